package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// oneAccountBytes is the length of the section of accounts with one whose name has a letter.
const oneAccountBytes = sectionHeaderBytes + accountsFixedBytes + 2

// moved is a state with an order that was charged under account a, then b.
func moved(t *testing.T) *State {
	t.Helper()
	s := New()
	spec := SaleSpec{ID: "gig", Item: "seat", Quantity: 5, Cap: 5, Price: 7, Currency: "EUR", StartsAt: 1, Hold: second}
	for _, c := range []Command{
		{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)},
		{Kind: KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")},
		{Kind: KindPayBegin, Order: 2, User: []byte("ann"), Amount: 7, Reference: []byte("a")},
		{Kind: KindPayResult, Order: 2, Attempt: 1, Outcome: PayRejected},
		{Kind: KindAccept, Reference: []byte("b"), Body: []byte("sold")},
		{Kind: KindPayBegin, Order: 2, User: []byte("ann"), Amount: 7, Reference: []byte("b")},
	} {
		var d Decisions
		if s.Apply(&Batch{Time: 1000, Commands: []Command{c}}, &d); d.Results[0].Code != CodeOK {
			t.Fatalf("%+v", d.Results[0])
		}
	}
	return s
}

// Records that cannot be are no snapshot, whatever their hash says.
func TestAccountsOutOfBounds(t *testing.T) {
	const names, move = accountMoveBytes + sectionHeaderBytes + 4 + accountsFixedBytes, accountMoveBytes
	for name, change := range map[string]func(names, move []byte){
		"as they are":               func(_, _ []byte) {},
		"one accepted of later":     func(names, _ []byte) { names[0] = 3 },
		"no accounts":               func(names, _ []byte) { names[1] = 0 },
		"more accounts than may be": func(names, _ []byte) { names[1] = AccountsMax + 1 },
		"what is zero":              func(names, _ []byte) { names[7] = 1 },
		"a space":                   func(names, _ []byte) { names[9] = ' ' },
		"one twice":                 func(names, _ []byte) { names[11] = 'a' },
		"a move of no order":        func(_, move []byte) { move[0]++ },
		"a move from no attempt":    func(_, move []byte) { move[8] = 0 },
		"a move from tomorrow's":    func(_, move []byte) { move[8] = 3 },
		"a move to no account":      func(_, move []byte) { move[9] = 0 },
		"a move to one of later":    func(_, move []byte) { move[9] = 3 },
		"a move to where it was":    func(_, move []byte) { move[9] = 1 },
		"what is zero of a move":    func(_, move []byte) { move[15] = 1 },
	} {
		var out bytes.Buffer
		if _, err := moved(t).Snapshot().WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		data := out.Bytes()[:out.Len()-4]
		change(data[len(data)-names:], data[len(data)-move:])
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
		s, err := ReadSnapshot(bytes.NewReader(data))
		if name == "as they are" && (err != nil || s.Verify() != nil || s.Account() != "b" || s.AccountOf(2, 1) != "a" || s.AccountOf(2, 2) != "b") {
			t.Errorf("%s: %v", name, err)
		}
		if name != "as they are" && (!errors.Is(err, ErrSnapshotCorrupt) || !strings.Contains(err.Error(), "out of bounds")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the records say is verified against the look-ups and hashes that are kept beside them.
func TestAccountsVerified(t *testing.T) {
	for name, change := range map[string]func(*State){
		"another account":         func(s *State) { s.accounts.moves.edit(0).account = 1 },
		"another hash":            func(s *State) { s.accounts.hash++ },
		"another one is accepted": func(s *State) { s.accounts.accepted = 1 },
		"another name":            func(s *State) { s.accounts.texts[0] = "c" },
		"not found":               func(s *State) { clear(s.accounts.newest) },
		"another order's":         func(s *State) { s.accounts.newest[7] = 1 },
		"not after another":       func(s *State) { s.accounts.moves.edit(0).before = 1 },
	} {
		s := moved(t)
		if err := s.Verify(); err != nil {
			t.Fatal(err)
		}
		if change(s); s.Verify() == nil {
			t.Errorf("%s: nothing was found", name)
		}
	}
}

// A cluster has only so many accounts, and goes on with those that it has.
func TestAccountsBounded(t *testing.T) {
	s := moved(t)
	accept := func(name string) Code {
		var d Decisions
		s.Apply(&Batch{Time: 1000, Commands: []Command{{Kind: KindAccept, Reference: []byte(name), Body: []byte("x")}}}, &d)
		return d.Results[0].Code
	}
	for i := 2; i < AccountsMax; i++ {
		if code := accept(fmt.Sprint("m", i)); code != CodeOK {
			t.Fatal(i, code)
		}
	}
	if code := accept("one more"); code != CodeBadRequest {
		t.Error(code)
	}
	if code := accept("more"); code != CodeAccountLimit || s.Account() != fmt.Sprint("m", AccountsMax-1) {
		t.Error(code, s.Account())
	}
	if code := accept("a"); code != CodeOK || s.Account() != "a" {
		t.Error(code, s.Account())
	}
}

// Who restores a backup as a copy charges under an account of its own, without a command; who
// goes on with it does not.
func TestAccountsOfABirth(t *testing.T) {
	for cause, want := range map[BirthCause]string{BirthCopy: "", BirthRestore: "b", BirthRecover: "b"} {
		s := New()
		var d Decisions
		s.Apply(&Batch{Time: 1, Commands: []Command{{Kind: KindBirth, Key: KeyDigest{1}, Amount: 1, Count: uint32(BirthNew)}}}, &d)
		s.Apply(&Batch{Time: 1, Commands: []Command{{Kind: KindAccept, Reference: []byte("b"), Body: []byte("x")}}}, &d)
		s.Apply(&Batch{Time: 2, Commands: []Command{{Kind: KindBirth, Key: KeyDigest{2}, Amount: 2, Count: uint32(cause)}}}, &d)
		if err := s.Verify(); d.Results[0].Code != CodeOK || s.Account() != want || err != nil {
			t.Errorf("%s: %s, account %q, want %q: %v", cause, d.Results[0].Code, s.Account(), want, err)
		}
	}
}
