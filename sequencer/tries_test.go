package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
)

// tried is a state with one order of which two attempts were declined, and a third is live.
func tried(t *testing.T) *State {
	t.Helper()
	s := New()
	apply := func(now int64, commands ...Command) {
		var d Decisions
		s.Apply(&Batch{Time: now, Commands: commands}, &d)
		for _, r := range d.Results {
			if r.Code != CodeOK {
				t.Fatalf("%+v", r)
			}
		}
	}
	spec := SaleSpec{ID: "gig", Item: "seat", Quantity: 5, Cap: 5, Price: 1, Currency: "EUR", StartsAt: 1, Hold: UserDeclinesWindow}
	apply(1000, Command{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)}, Command{Kind: KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")})
	for attempt := range uint8(2) {
		apply(1001, Command{Kind: KindPayBegin, Order: 2, User: []byte("ann"), Amount: 1, Reference: []byte("a")},
			Command{Kind: KindPayResult, Order: 2, Attempt: attempt + 1, Outcome: PayRejected})
	}
	apply(1002, Command{Kind: KindPayBegin, Order: 2, User: []byte("ann"), Amount: 1, Reference: []byte("a")})
	return s
}

// Records that cannot be of their orders are no snapshot, whatever their hash says.
func TestTriesOutOfBounds(t *testing.T) {
	for name, change := range map[string]func(tries, decliner []byte){
		"as they are":               func(_, _ []byte) {},
		"an order that is not":      func(tries, _ []byte) { tries[0]++ },
		"an attempt of tomorrow":    func(tries, _ []byte) { binary.LittleEndian.PutUint64(tries[8:], 1003) },
		"a void of the 8th attempt": func(tries, _ []byte) { tries[16] = 1 << 7 },
		"a void of no attempt":      func(tries, _ []byte) { tries[17] = 1 },
		"more declines than tries":  func(tries, _ []byte) { tries[24] = 4 },
		"declines beyond a byte":    func(tries, _ []byte) { tries[25] = 1 },
		"a decliner of no order":    func(_, decliner []byte) { decliner[0]++ },
		"a decline of tomorrow":     func(_, decliner []byte) { binary.LittleEndian.PutUint64(decliner[8:], 1003) },
		"a decliner without one":    func(_, decliner []byte) { decliner[16] = 0 },
	} {
		var out bytes.Buffer
		if _, err := tried(t).Snapshot().WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		data := out.Bytes()[:out.Len()-4]
		at := len(data) - oneAccountBytes - declinerBytes
		change(data[at-sectionHeaderBytes-triesBytes:], data[at:])
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
		s, err := ReadSnapshot(bytes.NewReader(data))
		if name == "as they are" && (err != nil || s.Verify() != nil || s.NextAttempt(2) != 0) {
			t.Errorf("%s: %v", name, err)
		}
		if name != "as they are" && (!errors.Is(err, ErrSnapshotCorrupt) || !strings.Contains(err.Error(), "out of bounds")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the records say is verified against the look-ups and hashes that are kept beside them.
func TestTriesVerified(t *testing.T) {
	for name, change := range map[string]func(*State){
		"another count":        func(s *State) { s.attempts.tries.edit(0).declines++ },
		"another user's count": func(s *State) { s.attempts.decliners.edit(0).declines++ },
		"not found":            func(s *State) { delete(s.attempts.ofOrder, 0) },
		"user not found":       func(s *State) { clear(s.attempts.ofUser) },
	} {
		s := tried(t)
		if change(s); s.Verify() == nil {
			t.Error(name)
		}
	}
}
