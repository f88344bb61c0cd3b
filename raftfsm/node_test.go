package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"onsale/proof/testenv"
	"onsale/raftfsm/folder"
	"onsale/sequencer"
	"onsale/wal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneNodeDecidesAndRecovers(t *testing.T) {
	c := testConfig(t, "n1")
	n := mustOpen(t, c)
	if !n.IsNew() {
		t.Error("a new folder is not new")
	}
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(50))
	var group sync.WaitGroup
	for u := range 20 {
		group.Go(func() {
			for i := range 5 {
				if _, err := buyAs(n, fmt.Sprintf("user-%d-%d", u, i), sale); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	before := n.Status()
	view, _ := n.SaleByID("concert")
	if before.Seq != 102 || view.Held != 50 || view.Counters.Buys[sequencer.CodeSoldOut] != 50 || len(n.Sales()) != 1 {
		t.Fatalf("status %+v, sale %+v", before, view)
	}
	mustClose(t, n)
	if _, err := buyAs(n, "late", sale); !errors.Is(err, sequencer.ErrStopping) {
		t.Fatalf("after close: %v", err)
	}
	n = mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	after := n.Status()
	if after.Seq != before.Seq || after.StateHash != before.StateHash || after.JournalHash != before.JournalHash {
		t.Fatalf("before %+v\nafter  %+v", before, after)
	}
	if view, ok := n.SaleByID("concert"); !ok || view.Held != 50 {
		t.Fatalf("sale %+v", view)
	}
	again, err := buyAs(n, "user-3-0", sale)
	if err != nil || !again.Replayed {
		t.Fatalf("the same key after a restart: %+v, %v", again, err)
	}
	for _, check := range n.Ready() {
		if check.Err != nil {
			t.Errorf("%s: %v", check.Name, check.Err)
		}
	}
}

func TestForeignFolderIsRefused(t *testing.T) {
	c := testConfig(t, "n1")
	mustClose(t, mustOpen(t, c))
	c.NodeID, c.Bootstrap = "n2", []Member{{ID: "n2"}}
	if _, err := Open(c); !errors.Is(err, folder.ErrIdentity) {
		t.Fatal(err)
	}
}

func TestSnapshotRestartAndCompaction(t *testing.T) {
	c := testConfig(t, "n1")
	c.InFlightMax, c.TrailingEntries = 1, 1+tailMargin
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(1000))
	for i := range 50 {
		if _, err := buyAs(n, fmt.Sprint("a", i), sale); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Snapshot(); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if _, err := buyAs(n, fmt.Sprint("b", i), sale); err != nil {
			t.Fatal(err)
		}
	}
	before := n.Status()
	if first, _ := n.data.Log.FirstIndex(); first < 50-tailMargin {
		t.Fatalf("the log was not compacted: begins at %d", first)
	}
	mustClose(t, n)
	n = mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	if after := n.Status(); after.StateHash != before.StateHash || after.JournalHash != before.JournalHash || after.Seq != before.Seq {
		t.Fatalf("before %+v\nafter  %+v", before, after)
	}
	mustClose(t, n)
	blocks := uint64(0)
	if _, err := journal.Scan(filepath.Join(c.DataDir, "journal"), func(b *journal.Block) error { blocks++; return nil }); err != nil || blocks != before.JournalHeight {
		t.Fatalf("%d journal blocks of %d, %v", blocks, before.JournalHeight, err)
	}
}

// The journal is not synced on the hot path: whatever a crash takes from its end,
// the replay puts back.
func TestTornJournalIsCaughtUp(t *testing.T) {
	c := testConfig(t, "n1")
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(10))
	for i := range 30 {
		if _, err := buyAs(n, fmt.Sprint("a", i), sale); err != nil {
			t.Fatal(err)
		}
	}
	before := n.Status()
	mustClose(t, n)
	path := filepath.Join(c.DataDir, "journal", "00000000000000000001")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := int64(0); cut < 40; cut += testenv.Pick[int64](1, 13) {
		if err := os.Truncate(path, info.Size()-1-cut*61); err != nil {
			t.Fatal(err)
		}
		n := mustOpen(t, c)
		eventually(t, "leadership", leads(n))
		if after := n.Status(); after.JournalHash != before.JournalHash {
			t.Fatalf("cut %d: before %+v\nafter %+v", cut, before, after)
		}
		mustClose(t, n)
	}
}

func TestLeaderStoppedUnderLoad(t *testing.T) {
	c := newCluster(t, nil)
	defer c.close()
	sale := c.createSale(concert(1 << 20))
	acknowledged := map[string]uint64{}
	rounds := testenv.Pick(4, 1)
	for round := range rounds {
		stop, done := make(chan struct{}), make(chan map[string]uint64)
		go func() { done <- c.load(sale, 16, 40, stop) }()
		time.Sleep(30 * time.Millisecond)
		victim := c.leader()
		c.cut(victim) // partitioned first: what it proposes now cannot commit
		time.Sleep(20 * time.Millisecond)
		for user, seq := range <-done {
			acknowledged[fmt.Sprint(round, user)] = seq
			eventually(t, fmt.Sprintf("acknowledged order %d of %s", seq, user), func() bool { // a leader may be followed by one before it knows
				order, ok := orderOf(c.nodes[c.leaderBut(victim)], seq)
				return ok && order.User == user
			})
		}
		close(stop)
		node := c.nodes[victim]
		c.nodes[victim] = nil
		mustClose(t, node)
		c.start(victim)
		c.converge()
	}
	if len(acknowledged) < 250*rounds {
		t.Fatalf("only %d orders were acknowledged", len(acknowledged))
	}
}

// leaderBut returns the leader among the others.
func (c *cluster) leaderBut(not int) int {
	found := -1
	eventually(c.t, "another leader", func() bool {
		for i, n := range c.nodes {
			if i != not && n != nil && n.Leads() {
				found = i
			}
		}
		return found >= 0
	})
	return found
}

// A leader without a quorum answers no buy; its waiting requests are told that
// their outcome is unknown, never silence.
func TestLeaderWithoutQuorumAnswersNothing(t *testing.T) {
	c := newCluster(t, nil)
	defer c.close()
	sale := c.createSale(concert(10))
	old := c.leader()
	c.cut(old)
	_, err := buyAs(c.nodes[old], "alone", sale)
	if !errors.Is(err, sequencer.ErrOutcomeUnknown) && !errors.Is(err, sequencer.ErrNoLeader) {
		t.Fatalf("a minority answered: %v", err)
	}
	var no *sequencer.NotLeaderError
	eventually(t, "the old leader knows", func() bool { _, err := buyAs(c.nodes[old], "alone", sale); return errors.As(err, &no) })
}

func TestFollowerNamesTheLeader(t *testing.T) {
	c := newCluster(t, nil)
	defer c.close()
	sale := c.createSale(concert(10))
	r, answered := c.buyUntilAnswered("u", sale)
	if !answered {
		t.Fatal("no answer")
	}
	for i, n := range c.nodes {
		eventually(t, c.configs[i].NodeID+" leads or names who does", func() bool { // a majority may have elected without it
			leader := c.leader()
			if leader == i {
				return true
			}
			_, err := buyAs(n, "u", sale)
			var no *sequencer.NotLeaderError
			return errors.As(err, &no) && no.LeaderID == c.configs[leader].NodeID && no.LeaderAddress == no.LeaderID
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if err := n.WaitApplied(ctx, r.Seq); err != nil {
			t.Error(err)
		}
		if order, ok := orderOf(n, r.Seq); !ok || order.User != "u" || countOf(n, "u") != 1 {
			t.Errorf("the order at %s: %+v", c.configs[i].NodeID, order)
		}
		cancel()
		short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if err := n.WaitApplied(short, r.Seq+1000); !errors.Is(err, sequencer.ErrBehind) {
			t.Errorf("wait beyond the end: %v", err)
		}
		cancel()
	}
}

// A follower that missed more than the log keeps is given a snapshot; its journal
// begins there and has the same hashes.
func TestFollowerFromSnapshot(t *testing.T) {
	c := newCluster(t, func(c *Config) { c.InFlightMax, c.TrailingEntries, c.PeerAwayMax = 1, 1+tailMargin, time.Millisecond })
	defer c.close()
	sale := c.createSale(concert(1000))
	away := (c.leader() + 1) % 3
	c.stop(away)
	for i := range 100 {
		if _, ok := c.buyUntilAnswered(fmt.Sprint("u", i), sale); !ok {
			t.Fatal("no answer")
		}
	}
	for _, n := range c.nodes {
		if n != nil {
			if err := n.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, ok := c.buyUntilAnswered("last", sale); !ok {
		t.Fatal("no answer")
	}
	c.start(away)
	want := c.converge()
	first := c.nodes[away].data.Journal
	if want.JournalHeight < 100 || first.Position().Height != want.JournalHeight {
		t.Fatalf("journal at %d of %d", first.Position().Height, want.JournalHeight)
	}
	if c.nodes[away].machine.counters.installed.Load() == 0 {
		t.Error("it was not sent a snapshot")
	}
}

// Holds end by themselves, without a request, and a sale starts at its instant.
// In a bubble the instants are exact, however slow the machine is.
func TestTimeWithoutTraffic(t *testing.T) {
	c := testConfig(t, "n1")
	c.DataDir = testenv.MemoryDir(t)
	synctest.Test(t, func(t *testing.T) { timeWithoutTraffic(t, c) })
}

func timeWithoutTraffic(t *testing.T, c Config) {
	c.RaftAddress, c.Bootstrap, c.Transport = "n1", []Member{{ID: "n1", Address: "n1"}}, newNetwork(1).open("n1")
	c.Clock = skewed{} // the bubble's
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	spec := concert(1)
	spec.Hold = int64(150 * time.Millisecond)
	spec.StartsAt = time.Now().Add(200 * time.Millisecond).UnixNano()
	sale := createSale(t, n, spec)
	if r, err := buyAs(n, "early", sale); err != nil || r.Code != sequencer.CodeNotStarted {
		t.Fatalf("early: %+v, %v", r, err)
	}
	time.Sleep(time.Until(time.Unix(0, spec.StartsAt)))
	r, err := buyAs(n, "in time", sale)
	if err != nil || r.State != sequencer.StateReserved {
		t.Fatalf("in time: %+v, %v", r, err)
	}
	eventually(t, "the hold ends", func() bool { o, _ := orderOf(n, r.Seq); return o.State == sequencer.StateExpired })
	if r, err = buyAs(n, "next", sale); err != nil || r.State != sequencer.StateReserved {
		t.Fatalf("next: %+v, %v", r, err)
	}
	if ticks := n.batcher.counters.ticks.Load(); ticks == 0 || ticks > 20 {
		t.Errorf("%d ticks", ticks)
	}
}

// A jump of the wall clock is an alarm, not time travel.
func TestClockJump(t *testing.T) {
	c := testConfig(t, "n1")
	clock := &testClock{}
	c.Clock = clock
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(1))
	r, err := buyAs(n, "u", sale)
	if err != nil {
		t.Fatal(err)
	}
	before := n.Status().LogTime
	clock.move(-2 * time.Hour)
	if _, err := buyAs(n, "v", sale); err != nil {
		t.Fatal(err)
	}
	if after := n.Status().LogTime; after < before {
		t.Fatalf("log time ran back from %d to %d", before, after)
	}
	if o, _ := orderOf(n, r.Seq); o.State != sequencer.StateReserved {
		t.Fatalf("order %+v", o)
	}
}
