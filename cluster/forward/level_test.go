package forward

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// A front-end that connected between an operator's look at the levels and the entry that
// raises the cluster's has no way past the new level: the node gives it no answer any more, and
// when it connects again it is told why.
func TestFrontEndBelowARaisedLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, n, level := new(memory), newSingle(), new(atomic.Uint32)
		n.leads = true
		level.Store(1)
		apply(t, gig(), n)
		here := peer.DefaultConfig()
		here.ID, here.Dial = "n1", network.dial
		here.Levels = func() (speaks, cluster uint16) { return 2, uint16(level.Load()) }
		startServedAs(t, network, n, here, nil, nil)
		there := knowing(t, network)
		there.Levels = func() (speaks, cluster uint16) { return 1, 0 }
		f := NewClient(playedConfig(), there, NewDirectory([]string{"n1"}), nil, Limits{})
		t.Cleanup(func() { f.Close() })
		if _, err := f.Decide(buyOf("ann")); !errors.Is(err, sequencer.ErrOverloaded) { // as this node answers
			t.Fatalf("before: %v", err)
		}

		level.Store(2)
		if _, err := f.Decide(buyOf("bob")); err == nil || errors.Is(err, sequencer.ErrOverloaded) {
			t.Errorf("below the level the node answered: %v", err)
		}
		if _, err := peer.Dial(t.Context(), there, "n1", peer.Forward, ""); !errors.Is(err, peer.ErrLevel) {
			t.Errorf("connecting again: %v", err)
		}
	})
}
