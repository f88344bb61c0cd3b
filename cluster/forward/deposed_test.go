package forward

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// decidesAll is a leader that answers whatever a sender asks.
func decidesAll(f frame) reaction {
	if f.kind == kindSession {
		granted := grant{5, Limits{8192, 1 << 18}}
		return reaction{body: granted.append(nil)}
	}
	_, _, count, _ := sequencer.ParseForward(f.body)
	return reaction{body: sequencer.AppendDecisions(nil, &sequencer.Decisions{FirstSeq: 2, Results: make([]sequencer.Result, count)})}
}

// A leader that was deposed and lives is left for the next one, whatever it says or does
// not say: as soon as others are known to lead, at its own word, or after AttemptTimeout.
func TestWhoWasDeposedIsLeft(t *testing.T) {
	hangs := reaction{late: time.Minute, lost: true}
	const attempt = 10 * time.Second
	for _, test := range []struct {
		name  string
		says  reaction
		news  bool          // others are known to lead, a second later
		least time.Duration // until the next leader decides
		most  time.Duration
		asked int // of the one that was deposed, batches
	}{
		{"hangs, news", hangs, true, time.Second, 1100 * time.Millisecond, 1},
		{"hangs", hangs, false, attempt, attempt + time.Second, 1},
		{"names the next", reaction{err: &sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: "next"}}, false, 0, 10 * time.Millisecond, 1},
		{"names nobody", reaction{err: &sequencer.NotLeaderError{}}, false, 0, 10 * time.Millisecond, 1},
		{"names itself", reaction{err: &sequencer.NotLeaderError{LeaderID: "n1", LeaderAddress: "deposed"}}, false, 0, 10 * time.Millisecond, 1},
		{"stops", reaction{err: sequencer.ErrStopping}, false, 0, 10 * time.Millisecond, 1},
		{"is lost", reaction{lost: true}, false, 0, 10 * time.Millisecond, 1},
		{"speaks nonsense", reaction{body: []byte("nonsense")}, false, 0, 10 * time.Millisecond, 1},
		// It may lead still, and says what became of the batch when it is asked again.
		{"lost its office, news", reaction{err: sequencer.ErrOutcomeUnknown}, true, time.Second, 1100 * time.Millisecond, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var network memory
				var batches atomic.Int64
				startScriptedAt(t, network.listen("deposed"), "n1", func(f frame) reaction {
					if f.kind == kindSession {
						return decidesAll(f)
					}
					batches.Add(1)
					return test.says
				})
				next := startScriptedAt(t, network.listen("next"), "n2", decidesAll)

				config, peers := DefaultClientConfig(), peer.DefaultConfig()
				config.DecideTimeout, config.AttemptTimeout = time.Minute, attempt
				peers.ID, peers.Dial = "f1", network.dial
				directory := NewDirectory([]string{"deposed", "next"})
				directory.SetLeader("n1", "deposed")
				c := NewClient(config, &peers, directory, nil, Limits{})
				if test.news {
					time.AfterFunc(time.Second, func() { directory.SetLeader("n2", "next") })
				}

				began := time.Now()
				if _, err := c.Decide(buyOf("ann")); err != nil {
					t.Error(err)
				}
				took := time.Since(began)
				for i := range 3 { // and nobody goes back
					if _, err := c.Decide(buyOf(fmt.Sprint(i))); err != nil {
						t.Error(err)
					}
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if took < test.least || took > test.most || batches.Load() < 1 || int(batches.Load()) > test.asked || next.asked() != 4 {
					t.Errorf("it took %v and %d batches to who was deposed, %d to the next", took, batches.Load(), next.asked())
				}
				time.Sleep(2 * time.Minute) // who hangs comes to its end
			})
		})
	}
}

// What watches over one batch is gone when the next one is sent: it would end that one's
// exchange, which is then sent again for nothing.
func TestNobodyWatchesOverTheLastBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const batches = 2000
		var network memory
		leads := startScriptedAt(t, network.listen("n1"), "n1", decidesAll)
		peers := peer.DefaultConfig()
		peers.ID, peers.Dial = "f1", network.dial
		c := NewClient(DefaultClientConfig(), &peers, NewDirectory([]string{"n1"}), nil, Limits{})
		for range batches {
			if _, err := c.Decide(buyOf("ann")); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if n := c.Counters(); n.Repeated.Load() != 0 || n.Batches.Load() != batches || leads.asked() != 1+batches {
			t.Errorf("%d batches, %d sent again, %d frames", n.Batches.Load(), n.Repeated.Load(), leads.asked())
		}
	})
}
