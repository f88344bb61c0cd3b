package forward

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// deposed is a node that has not noticed yet that others lead.
type deposed struct{ Node }

func (deposed) Leader() error                             { return nil }
func (deposed) AppliedSeq() uint64                        { return 7 }
func (deposed) ReadIndex(context.Context) (uint64, error) { return 0, &sequencer.NotLeaderError{} }

// A node that takes itself for the leader is not caught up before a majority says so: it
// told its own buyers that a sale did not exist which the next leader had made.
func TestWhoTakesItselfForTheLeaderIsNotCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := peer.DefaultConfig()
		r := &Replica{Node: deposed{}, links: NewLinks(&config, NewDirectory(nil))}
		defer r.links.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.CatchUp(ctx); !errors.Is(err, sequencer.ErrBehind) && !errors.Is(err, sequencer.ErrNoLeader) {
			t.Errorf("caught up without a leader: %v", err)
		}
		time.Sleep(shareTimeout) // the question ends
	})
}
