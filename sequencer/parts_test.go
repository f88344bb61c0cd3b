package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
)

// parted is a state with one paid order, of which two parts were refunded: the money of one
// was never captured, that of the other must go back once more.
func parted(t *testing.T) *State {
	t.Helper()
	s := New()
	spec := SaleSpec{ID: "gig", Item: "seat", Quantity: 5, Cap: 5, Price: 7, Currency: "EUR", StartsAt: 1, Hold: second}
	for _, c := range []Command{
		{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)},
		{Kind: KindBuy, Sale: 1, Quantity: 4, User: []byte("ann")},
		{Kind: KindPayBegin, Order: 2, User: []byte("ann"), Amount: 28, Reference: []byte("a")},
		{Kind: KindPayResult, Order: 2, Attempt: 1, Outcome: PayAccepted},
		{Kind: KindRefund, Order: 2, Quantity: 1, Key: KeyDigest{1}},
		{Kind: KindPayCaptured, Order: 2, Attempt: 1, Amount: 21},
		{Kind: KindRefund, Order: 2, Quantity: 2},
		{Kind: KindPayBounced, Order: 2, Attempt: 1, Count: 1, Reason: ReasonMethodGone, Part: 2},
	} {
		var d Decisions
		if s.Apply(&Batch{Time: 1000, Commands: []Command{c}}, &d); d.Results[0].Code != CodeOK {
			t.Fatalf("%+v", d.Results[0])
		}
	}
	return s
}

// An attempt was for what its order had when it began, whatever was given back since.
func TestTicketsOfAnAttempt(t *testing.T) {
	view, _ := parted(t).Order(2)
	if view.Quantity != 1 || view.TicketsOf(1) != 4 || view.TicketsOf(2) != 1 {
		t.Errorf("%d tickets are left; attempt 1 was for %d, the next is for %d", view.Quantity, view.TicketsOf(1), view.TicketsOf(2))
	}
	if spared, due := view.PartTickets(PartSpared), view.PartTickets(PartDue); spared != 1 || due != 2 {
		t.Errorf("%d tickets were spared, %d are due", spared, due)
	}
}

// Records that cannot be of their orders are no snapshot, whatever their hash says.
func TestPartsOutOfBounds(t *testing.T) {
	const first, newest = 0, partBytes
	for name, change := range map[string]func(parts []byte){
		"as they are":                  func([]byte) {},
		"an order that is not":         func(parts []byte) { parts[first]++ },
		"no tickets":                   func(parts []byte) { parts[first+24] = 0 },
		"more tickets than were asked": func(parts []byte) { parts[newest+24] = 3 },
		"no state":                     func(parts []byte) { parts[first+25] = 0 },
		"a state of later":             func(parts []byte) { parts[first+25] = byte(PartStateMax) + 1 },
		"an attempt of tomorrow":       func(parts []byte) { parts[first+26] = 2 },
		"too many failures":            func(parts []byte) { parts[newest+27] = RefundsMax + 1 },
		"a failure without a reason":   func(parts []byte) { parts[newest+28] = 0 },
		"a reason without a failure":   func(parts []byte) { parts[first+28] = byte(ReasonMethodGone) },
		"a reason of a payment":        func(parts []byte) { parts[newest+28] = byte(ReasonDeclined) },
		"a reason of later":            func(parts []byte) { parts[newest+28] = byte(PayReasonMax) + 1 },
		"what is zero":                 func(parts []byte) { parts[newest+31] = 1 },
	} {
		var out bytes.Buffer
		if _, err := parted(t).Snapshot().WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		data := out.Bytes()[:out.Len()-4]
		change(data[len(data)-partedTicketBytes-oneAccountBytes-2*partBytes:])
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
		s, err := ReadSnapshot(bytes.NewReader(data))
		if name == "as they are" && (err != nil || s.Verify() != nil || s.UnsettledCount() != 1) {
			t.Errorf("%s: %v", name, err)
		}
		if name != "as they are" && (!errors.Is(err, ErrSnapshotCorrupt) || !strings.Contains(err.Error(), "out of bounds")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the records say is verified against the look-ups and hashes that are kept beside them.
func TestPartsVerified(t *testing.T) {
	for name, change := range map[string]func(*State){
		"another quantity":  func(s *State) { s.parts.list.edit(0).Quantity++ },
		"another hash":      func(s *State) { s.parts.hash++ },
		"not found":         func(s *State) { s.parts.newest[0] = 1 },
		"another order's":   func(s *State) { s.parts.newest[7] = 1 },
		"not after another": func(s *State) { s.parts.list.edit(1).before = 0 },
		"not due any more":  func(s *State) { s.editPart(1, func(p *Part) { p.State = PartReturned }) },
	} {
		s := parted(t)
		if change(s); s.Verify() == nil {
			t.Error(name)
		}
	}
}
