package sequencer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

// codeAt decides a command in a batch of its own at a time.
func codeAt(s *State, now int64, c Command) Code {
	var d Decisions
	s.Apply(&Batch{Time: now, Commands: []Command{c}}, &d)
	return d.Results[0].Code
}

// The clock is part of the hash once it has stopped, and of a snapshot.
func TestHoldClockInHashAndSnapshot(t *testing.T) {
	steps := []Command{{Kind: KindHoldStop, Count: 60}, {Kind: KindHoldGo}, {Kind: KindOutage, Order: 2 * second, Amount: 9 * second, Count: 60},
		{Kind: KindHoldStop, Count: 60}}
	seen := map[uint64]bool{}
	s := New()
	for i := range steps {
		if code := codeAt(s, int64(i+1)*second, steps[i]); i == 2 && code != CodeBadRequest { // the log is at 3 s
			t.Fatalf("an outage from elsewhere: %s", code)
		}
		if i == 2 {
			steps[2].Order = 3 * second
			if code := codeAt(s, 3*second, steps[2]); code != CodeOK || s.Now() != 9*second {
				t.Fatalf("%s, the log is at %d", code, s.Now())
			}
		}
		hash := s.Hash()
		if seen[hash] {
			t.Errorf("step %d has the hash of another", i)
		}
		seen[hash] = true
		var written bytes.Buffer
		if _, err := s.Snapshot().WriteTo(&written); err != nil {
			t.Fatal(err)
		}
		again, err := ReadSnapshot(&written)
		if err != nil || again.holds != s.holds || again.Hash() != hash {
			t.Errorf("step %d: restored %+v, was %+v (%v)", i, again, s.holds, err)
		}
	}
	other := New()
	other.Apply(&Batch{Time: second}, new(Decisions))
	plain := other.Hash()
	other.holds.window++
	if other.Hash() == plain {
		t.Error("the clock is not in the hash")
	}
}

// What is no clock in a snapshot.
func TestHoldClockOfABadSnapshot(t *testing.T) {
	s := New()
	codeAt(s, 5*second, Command{Kind: KindHoldStop, Count: 60})
	for what, change := range map[string]func(h *holdClock) (flags uint64){
		"none":                   func(*holdClock) uint64 { return 1 },
		"a bit of later":         func(*holdClock) uint64 { return 2 },
		"running, and a stop":    func(*holdClock) uint64 { return 0 },
		"a stop of later":        func(h *holdClock) uint64 { h.since = 5*second + 1; return 1 },
		"a stop before all time": func(h *holdClock) uint64 { h.since = -1; return 1 },
		"more than there was":    func(h *holdClock) uint64 { h.stopped = 5*second + 1; return 1 },
		"less than none":         func(h *holdClock) uint64 { h.within = -1; return 1 },
		"nothing at all":         func(h *holdClock) uint64 { *h = holdClock{}; return 0 },
	} {
		var written bytes.Buffer
		if _, err := s.Snapshot().WriteTo(&written); err != nil {
			t.Fatal(err)
		}
		data, le := written.Bytes(), binary.LittleEndian
		at := len(data) - 4 - holdClockBytes
		h := s.holds
		flags := change(&h)
		copy(data[at:], h.append(nil))
		le.PutUint64(data[at+48:], flags)
		h.halted = flags&1 != 0
		le.PutUint64(data[at-8:], h.fingerprint())
		le.PutUint32(data[len(data)-4:], crc32.Checksum(data[:len(data)-4], castagnoli))
		if _, err := ReadSnapshot(bytes.NewReader(data)); errors.Is(err, ErrSnapshotCorrupt) == (what == "none") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// All stops of one hold together take what a stop may last at most, wherever its hold lies.
func TestStopsOfOneHold(t *testing.T) {
	const hold, most, pause, outage = 100 * second, 30, 7 * second, 6 * second
	for begins := int64(second); begins < 400*second; begins += 7 * second {
		s := New()
		spec := SaleSpec{ID: "s", Item: "S", Quantity: 9, Cap: 9, Currency: "EUR", Hold: hold}
		codeAt(s, second, Command{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)})
		made, ended := int64(0), int64(0)
		for ended == 0 {
			now := s.Now() + pause
			if made == 0 && now >= begins {
				codeAt(s, now, Command{Kind: KindBuy, Sale: 1, Quantity: 1, User: []byte("ann")})
				made = now
			}
			if code := codeAt(s, now, Command{Kind: KindOutage, Order: uint64(now), Amount: now + outage, Count: most}); code != CodeOK {
				t.Fatal(code)
			}
			if made != 0 && s.orders.at(0).state == StateExpired {
				ended = s.Now()
			}
		}
		if lasted := ended - made; lasted < hold || lasted > hold+most*second+pause+outage {
			t.Errorf("made at %d s, the hold lasted %d s", made/second, lasted/second)
		}
	}
}
