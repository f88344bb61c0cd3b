package transport

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// What members have acknowledged is what they need the log from, while they are heard or are
// sent a snapshot.
func TestPeersNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Peers{AwayMax: time.Minute, Leads: func(raft.ServerID) bool { return true }}
		expect := func(what string, want uint64) {
			t.Helper()
			if got := p.Needs(time.Now()); got != want {
				t.Errorf("%s: from %d, not %d", what, got, want)
			}
		}
		entries := func(last uint64) *raft.AppendEntriesRequest {
			return &raft.AppendEntriesRequest{Term: 1, PrevLogEntry: last - 1, Entries: []*raft.Log{{Index: last}}}
		}
		yes := &raft.AppendEntriesResponse{Term: 1, Success: true}

		expect("nobody is known", 0)
		p.answered("b", entries(100), yes)
		p.answered("c", entries(90), yes)
		expect("the one that is behind", 90)
		p.answered("c", &raft.AppendEntriesRequest{Term: 1}, yes)
		expect("a heartbeat says nothing", 90)
		p.answered("c", entries(200), &raft.AppendEntriesResponse{Term: 2})
		expect("a later term says nothing", 90)
		p.answered("c", &raft.AppendEntriesRequest{Term: 1, PrevLogEntry: 95, LeaderCommitIndex: 95}, yes)
		expect("an append without an entry", 95)
		p.answered("c", entries(97), &raft.AppendEntriesResponse{Term: 1, LastLog: 80})
		expect("a refusal tells what it has", 80)

		time.Sleep(2 * time.Minute)
		expect("all were away for too long", 0)
		p.answered("b", entries(300), yes)
		p.install("c", 250)
		time.Sleep(2 * time.Minute)
		expect("it is sent a snapshot, however long that takes", 250)
		p.installed("c", 250, false)
		expect("which fails", 0)
		p.install("c", 260)
		p.install("c", 270)
		p.installed("c", 270, true)
		if n := p.Installing(); n != 1 {
			t.Errorf("%d snapshots are on their way", n)
		}
		expect("one of two", 270)
		p.installed("c", 260, false)
		expect("until it has gone on from there", 270)
	})
}

// An append to a member that did not answer waits until it does, and no longer than this
// node leads, has it as a member, and runs.
func TestPeersAreAwaited(t *testing.T) {
	heartbeat, yes := &raft.AppendEntriesRequest{Term: 1}, &raft.AppendEntriesResponse{Term: 1, Success: true}
	for name, c := range map[string]struct {
		end  func(p *Peers, leads *atomic.Bool, stop chan struct{})
		want error
	}{
		"it answers":               {func(p *Peers, _ *atomic.Bool, _ chan struct{}) { p.answered("b", heartbeat, yes) }, nil},
		"it took a snapshot":       {func(p *Peers, _ *atomic.Bool, _ chan struct{}) { p.install("b", 5); p.installed("b", 5, true) }, nil},
		"another leads":            {func(_ *Peers, leads *atomic.Bool, _ chan struct{}) { leads.Store(false) }, errNotAwaited},
		"this node stops":          {func(_ *Peers, _ *atomic.Bool, stop chan struct{}) { close(stop) }, errNotAwaited},
		"another member answers":   {func(p *Peers, _ *atomic.Bool, _ chan struct{}) { p.answered("c", heartbeat, yes) }, errGivenUp},
		"it does not answer again": {func(p *Peers, _ *atomic.Bool, _ chan struct{}) { p.failed("b") }, errGivenUp},
	} {
		synctest.Test(t, func(t *testing.T) {
			stop, ended := make(chan struct{}), make(chan error, 1)
			var leads atomic.Bool
			leads.Store(true)
			p := &Peers{Leads: func(raft.ServerID) bool { return leads.Load() }, Stop: stop}
			if err := p.await("b"); err != nil {
				t.Fatal(err)
			}
			p.failed("b")
			go func() { ended <- p.await("b") }()
			synctest.Wait()
			if p.Awaited() != 1 || len(ended) > 0 {
				t.Errorf("%s: it is not waited for", name)
			}
			c.end(p, &leads, stop)
			var err error
			select {
			case err = <-ended:
			case <-time.After(time.Hour):
				err = errGivenUp
				close(stop)
				<-ended
			}
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, wanted %v", name, err, c.want)
			}
		})
	}
}

var errGivenUp = errors.New("it is waited for")
