package inbox

import (
	"errors"
	"testing"

	"onsale/sequencer"
)

// Who is answered with an error is told no decision, least of all that of whoever had its
// waiter before.
func TestAnErrorTellsNoDecision(t *testing.T) {
	b := smallInbox()
	for range 100 { // a pool need not hand out the same waiter
		paid, err := b.Put(buyOf("ann"))
		if err != nil {
			t.Fatal(err)
		}
		b.Take().Deliver([]sequencer.Result{{Seq: 7, Order: 7, Attempt: 1, State: sequencer.StatePaid}})
		if _, err := b.Wait(paid); err != nil {
			t.Fatal(err)
		}
		unknown, err := b.Put(buyOf("bob"))
		if err != nil {
			t.Fatal(err)
		}
		b.Take().Fail(sequencer.ErrOutcomeUnknown)
		if told, err := b.Wait(unknown); !errors.Is(err, sequencer.ErrOutcomeUnknown) || told != (sequencer.Result{}) {
			t.Fatalf("told is %+v, %v", told, err)
		}
	}
}
