package forward

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"onsale/sequencer"
)

// A front-end does not go on with a node that answers and stands still, as one whose disk is
// full does: its buyers were told "behind" for as long as that took. When others lag as well
// it comes to the one that does not.
func TestWhoLagsIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		two := newSingle()
		apply(t, gig("ann"), two)
		startServed(t, &p.network, "n3", two, nil, nil)
		f := NewRemote(NewClient(playedConfig(), knowing(t, &p.network), NewDirectory([]string{"n2", "n3", "n1"}), nil, Limits{}), slog.New(slog.DiscardHandler))
		t.Cleanup(func() { f.Close() })
		time.Sleep(2 * MirrorInterval)
		if is, _ := f.Cluster(); is.ID != "n2" {
			t.Fatalf("it follows %s", is.ID)
		}
		short, cancel := context.WithTimeout(t.Context(), MirrorInterval)
		defer cancel()
		if err := f.WaitApplied(short, p.late.Seq); !errors.Is(err, sequencer.ErrBehind) {
			t.Errorf("before: %v", err)
		}

		time.Sleep(3 * meetInterval)
		if is, _ := f.Cluster(); is.ID != "n1" || f.AppliedSeq() != p.late.Seq {
			t.Errorf("it follows %s, at %d, want n1 at %d", is.ID, f.AppliedSeq(), p.late.Seq)
		}
		apply(t, buys("bob"), p.leader.single)
		time.Sleep(10 * meetInterval)
		if is, _ := f.Cluster(); is.ID != "n1" {
			t.Errorf("it goes on with %s", is.ID)
		}
	})
}
