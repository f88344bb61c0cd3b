package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
)

// partedTicketBytes are the sections of tickets that parted has: of one order, three revoked.
const partedTicketBytes = 2*sectionHeaderBytes + mintedBytes + 3*revokedBytes

// What is shown of an order's tickets, and of those that are revoked.
func TestTicketsShown(t *testing.T) {
	s := parted(t)
	view, _ := s.Order(2)
	want := []Ticket{{Number: 1}, {Number: 2, Revoked: true, Part: 2}, {Number: 3, Revoked: true, Part: 2}, {Number: 4, Revoked: true, Part: 1}}
	if !reflect.DeepEqual(view.Tickets, want) || view.PaidSeq != 4 || view.ValidTickets() != 1 {
		t.Errorf("%+v by %d, %d are valid", view.Tickets, view.PaidSeq, view.ValidTickets())
	}
	list, next, more := s.Revocations(1, 1, 1)
	if !reflect.DeepEqual(list, []Revocation{{Place: 2, Order: 2, Number: 2}}) || next != 2 || !more {
		t.Errorf("%+v, next %d, more %t", list, next, more)
	}
	if list, next, more = s.Revocations(1, 99, 10); list != nil || next != 3 || more {
		t.Errorf("behind the last: %+v, next %d, more %t", list, next, more)
	}
	if list, _, _ = s.Revocations(2, 0, 10); list != nil {
		t.Errorf("of another sale: %+v", list)
	}
}

// Orders with tickets are listed by their numbers, and a place behind the last has none.
func TestTicketedShown(t *testing.T) {
	s := parted(t)
	view, _ := s.Order(2)
	views, next, more := s.TicketedIn(1, 0, 0)
	if !reflect.DeepEqual(views, []OrderView{view}) || next != 1 || more {
		t.Errorf("%+v, next %d, more %t", views, next, more)
	}
	if views, next, more = s.TicketedIn(1, 99, 10); views != nil || next != 1 || more {
		t.Errorf("behind the last: %+v, next %d, more %t", views, next, more)
	}
	if views, next, _ = s.TicketedIn(2, 0, 10); views != nil || next != 1 {
		t.Errorf("of another sale: %+v, next %d", views, next)
	}
}

// No attempt to pay begins whose tickets would have numbers beyond the last one.
func TestTicketNumbersBounded(t *testing.T) {
	for given, want := range map[uint64]Code{TicketNumberMax - 2: CodeOK, TicketNumberMax - 1: CodeNotPayable} {
		s := New()
		spec := SaleSpec{ID: "gig", Item: "seat", Quantity: 5, Cap: 5, Currency: "EUR", StartsAt: 1, Hold: second}
		var d Decisions
		s.Apply(&Batch{Time: 1000, Commands: []Command{{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)},
			{Kind: KindBuy, Sale: 1, Quantity: 2, User: []byte("ann")}}}, &d)
		s.sales[0].counters.Tickets[StatePaid] = given
		if s.Apply(&Batch{Time: 1000, Commands: []Command{{Kind: KindPayBegin, Order: 2, User: []byte("ann")}}}, &d); d.Results[0].Code != want {
			t.Errorf("after %d tickets: %s", given, d.Results[0].Code)
		}
	}
}

// Records that cannot be of their orders are no snapshot, whatever their hash says.
func TestTicketsOutOfBounds(t *testing.T) {
	const revoked = mintedBytes + sectionHeaderBytes
	for name, change := range map[string]func(tickets []byte){
		"as they are":                     func([]byte) {},
		"an order that is not":            func(tickets []byte) { tickets[0]++ },
		"minted before the order":         func(tickets []byte) { tickets[8] = 2 },
		"minted tomorrow":                 func(tickets []byte) { tickets[8] = 99 },
		"numbers with a gap":              func(tickets []byte) { tickets[16] = 2 },
		"a number of 64 bits":             func(tickets []byte) { tickets[20] = 1 },
		"revoked of an order that is not": func(tickets []byte) { tickets[revoked]++ },
		"revoked that is another's":       func(tickets []byte) { tickets[revoked+8] = 5 },
		"revoked before the first":        func(tickets []byte) { tickets[revoked+8] = 0 },
		"revoked twice":                   func(tickets []byte) { tickets[revoked+revokedBytes+8] = 4 },
		"revoked with no part":            func(tickets []byte) { tickets[revoked+12] = 3 },
		"revoked with the whole":          func(tickets []byte) { tickets[revoked+12] = 0 },
		"what is zero":                    func(tickets []byte) { tickets[revoked+15] = 1 },
	} {
		var out bytes.Buffer
		if _, err := parted(t).Snapshot().WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		data := out.Bytes()[:out.Len()-4]
		change(data[len(data)-partedTicketBytes+sectionHeaderBytes:])
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
		s, err := ReadSnapshot(bytes.NewReader(data))
		if name == "as they are" && (err != nil || s.Verify() != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if name != "as they are" && (!errors.Is(err, ErrSnapshotCorrupt) || !strings.Contains(err.Error(), "out of bounds")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A snapshot whose orders were paid and have no tickets is none.
func TestTicketsMissing(t *testing.T) {
	var out bytes.Buffer
	if _, err := parted(t).Snapshot().WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	data := out.Bytes()[:out.Len()-4-partedTicketBytes]
	data[9] -= 2
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
	if _, err := ReadSnapshot(bytes.NewReader(data)); !errors.Is(err, ErrSnapshotCorrupt) {
		t.Error(err)
	}
}

// What the records say is verified against the look-ups, the counts and the hashes.
func TestTicketsVerified(t *testing.T) {
	for name, change := range map[string]func(*State){
		"another number":            func(s *State) { s.tickets.minted.edit(0).first = 2 },
		"another decision":          func(s *State) { s.tickets.minted.edit(0).seq++ },
		"another hash":              func(s *State) { s.tickets.mintedHash++ },
		"not found":                 func(s *State) { clear(s.tickets.of) },
		"another order's":           func(s *State) { s.tickets.of[7] = 0 },
		"more were given out":       func(s *State) { s.sales[0].counters.Tickets[StatePaid]++ },
		"another one is revoked":    func(s *State) { s.tickets.revoked.edit(0).number = 1 },
		"one is revoked twice":      func(s *State) { s.tickets.revoked.edit(1).number = 4 },
		"with another part":         func(s *State) { s.tickets.revoked.edit(0).part = 2 },
		"another hash of revoked":   func(s *State) { s.tickets.revokedHash++ },
		"a revoked one not found":   func(s *State) { s.tickets.newest[0] = 1 },
		"a revoked one elsewhere":   func(s *State) { s.tickets.newest[7] = 1 },
		"not after another":         func(s *State) { s.tickets.revoked.edit(1).before = 0 },
		"one that was not refunded": func(s *State) { s.pushRevoked(revoked{order: 0, number: 1}) },
	} {
		s := parted(t)
		if err := s.Verify(); err != nil {
			t.Fatal(err)
		}
		if change(s); s.Verify() == nil {
			t.Errorf("%s: nothing was found", name)
		}
	}
}

// A birth says where the history was cut that it goes on from, also after a restore.
func TestBirthSaysTheCut(t *testing.T) {
	s := New()
	var d Decisions
	s.Apply(&Batch{Time: 1, Commands: []Command{{Kind: KindBirth, Key: KeyDigest{1}, Amount: 1, Count: uint32(BirthNew)}}}, &d)
	s.Apply(&Batch{Time: 1, Commands: []Command{{}, {}}}, &d)
	s.Apply(&Batch{Time: 2, Commands: []Command{{Kind: KindBirth, Key: KeyDigest{2}, Amount: 2, Count: uint32(BirthRestore)}}}, &d)
	var out bytes.Buffer
	if _, err := s.Snapshot().WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	restored, err := ReadSnapshot(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, births := range [][]Birth{s.Births(), restored.Births()} {
		if len(births) != 2 || births[0].After != 0 || births[1].After != 3 {
			t.Errorf("%+v", births)
		}
	}
}
