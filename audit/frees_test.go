package audit

import (
	"fmt"
	"testing"

	"onsale/sequencer"
)

// Tickets come free, or a place before those who wait, when somebody stops waiting or a
// reservation ends; a paid ticket that goes back is withheld, and a payment that begins
// frees nothing.
func TestWhatFreesTickets(t *testing.T) {
	type step struct{ from, to sequencer.OrderState }
	wanted := map[step]bool{}
	for to := sequencer.StateNone; to <= sequencer.StateRefunded; to++ {
		wanted[step{sequencer.StateWaitlisted, to}] = true
	}
	for _, from := range []sequencer.OrderState{sequencer.StateReserved, sequencer.StatePaying} {
		for _, to := range []sequencer.OrderState{sequencer.StateNone, sequencer.StateExpired, sequencer.StateCancelled, sequencer.StateRefunded} {
			wanted[step{from, to}] = true
		}
	}
	for from := sequencer.StateNone; from <= sequencer.StateRefunded; from++ {
		for to := sequencer.StateNone; to <= sequencer.StateRefunded; to++ {
			if got := frees(from, to); got != wanted[step{from, to}] {
				t.Errorf("from %s to %s: %t", from, to, got)
			}
		}
	}
}

// What a finding of the ledger expected is the next step from where it was.
func TestWhatTheLedgerExpectedOfALevel(t *testing.T) {
	f := findings{count: map[Kind]uint64{}, limit: 10}
	l := newLedger(&f)
	from := l.level
	for _, to := range []int64{from + 1, from + 3, from + 4} {
		l.raised(&sequencer.Command{Amount: to})
	}
	if len(f.list) != 1 || f.list[0].check != checkLevel || f.list[0].Expected != fmt.Sprint(from+2) || f.list[0].Found != fmt.Sprint(from+3) || l.level != from+4 {
		t.Errorf("%+v, at level %d", f.list, l.level)
	}
}
