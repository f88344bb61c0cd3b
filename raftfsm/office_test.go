package raftfsm

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"onsale/proof/testenv"
	"onsale/raftfsm/folder"
	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// lines is what several goroutines log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Who gives up asking where the log is is told that no leader is sure of it, and not a position.
func TestReadIndexThatIsGivenUp(t *testing.T) {
	c := newCluster(t, nil)
	defer c.close()
	leader := c.leader()
	c.cut(leader) // nothing can be committed
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		seq, err := c.nodes[leader].ReadIndex(ctx)
		if seq != 0 || !errors.Is(err, sequencer.ErrNoLeader) { // a buyer was told of a bug in the server
			t.Fatalf("at %d, %v", seq, err)
		}
	}
}

// Where nothing was decided there is nothing to take a snapshot of, and that is no error; a
// node that is closed takes none.
func TestSnapshotOfNothing(t *testing.T) {
	c := testConfig(t, "n1")
	c.Bootstrap = nil
	n := mustOpen(t, c)
	if err := n.Snapshot(); err != nil || n.machine.counters.snapshots.Load() != 0 {
		t.Errorf("%d were taken, %v", n.machine.counters.snapshots.Load(), err)
	}
	if err := n.Backup(io.Discard); !errors.Is(err, store.ErrSnapshot) {
		t.Errorf("a backup of it: %v", err)
	}
	mustClose(t, n)
	if err := n.Snapshot(); err == nil {
		t.Error("a node that is closed takes snapshots")
	}
	if err := n.Backup(io.Discard); err == nil || errors.Is(err, store.ErrSnapshot) {
		t.Errorf("a backup of a node that is closed: %v", err)
	}
}

// A node takes no snapshot before one is due, however often it looks.
func TestNoSnapshotBeforeItIsDue(t *testing.T) {
	c := testConfig(t, "n1")
	c.DataDir = testenv.MemoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		c.RaftAddress, c.Bootstrap, c.Transport = "n1", []Member{{ID: "n1", Address: "n1"}}, newNetwork(1).open("n1")
		n := mustOpen(t, c)
		defer mustClose(t, n)
		eventually(t, "leadership", leads(n))
		createSale(t, n, concert(10))
		time.Sleep(10 * watchInterval)
		if taken := n.machine.counters.snapshots.Load(); taken != 0 {
			t.Errorf("%d snapshots were taken", taken)
		}
	})
}

// The only voter of a cluster waits for no timeout: it has nobody to wait for.
func TestTheOnlyVoterElectsItself(t *testing.T) {
	c := testConfig(t, "n1")
	c.HeartbeatTimeout, c.ElectionTimeout = time.Minute, time.Minute
	n := mustOpen(t, c)
	defer mustClose(t, n)
	testenv.Eventually(t, 30*time.Second, "leadership", leads(n))
}

// Encoded commands are decided as they came, all or none of them.
func TestDecideMany(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(10))
	var frames []byte
	for _, user := range []string{"ann", "bob", "cem"} {
		frames = sequencer.AppendCommand(frames, &sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: 1, User: []byte(user)})
	}
	results := make([]sequencer.Result, 3)
	if err := n.DecideMany(frames, 3, results); err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if results[i].Code != sequencer.CodeOK || results[i].Seq != results[0].Seq+uint64(i) || results[i].State != sequencer.StateReserved {
			t.Errorf("number %d is %+v", i, results[i])
		}
	}
	if err := n.DecideMany(nil, 0, nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
	if err := n.DecideMany(frames, 2, results); !errors.Is(err, inbox.ErrFrames) {
		t.Errorf("more than was said: %v", err)
	}
	again := make([]sequencer.Result, 3)
	if err := n.Past(results[0].Seq, again); err != nil || again[2] != results[2] {
		t.Errorf("told again: %+v, %v", again, err)
	}
	if load := n.Load(); load != 0 {
		t.Errorf("the inbox is full by %v", load)
	}
	mustClose(t, n)
	if err := n.DecideMany(frames, 3, results); !errors.Is(err, sequencer.ErrStopping) {
		t.Errorf("a node that is closed: %v", err)
	}
}

// A node that is alone hands over to nobody when it stops, and complains of nothing.
func TestNobodyToHandOverTo(t *testing.T) {
	var said lines
	c := testConfig(t, "n1")
	c.Logger = said.logger()
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	if err := n.Membership().Transfer("n2"); !errors.Is(err, ErrNotMember) || !n.Leads() {
		t.Errorf("to nobody: %v", err)
	}
	mustClose(t, n)
	if said.count("could not hand over") > 0 || said.count("snapshot failed") > 0 {
		t.Errorf("said: %s", &said.text)
	}
	if err := n.Close(); !errors.Is(err, sequencer.ErrStopping) {
		t.Errorf("closed again: %v", err)
	}
}

// The leadership goes to the voter that is named, and not to the next one.
func TestTransferToANamedVoter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, func(config *Config) { config.DataDir = testenv.MemoryDir(t) })
		defer c.close()
		for _, id := range []string{"n1", "n2", "n3", "n2", "n1", "n3", "n1"} {
			leader := c.nodes[c.leader()]
			if leader.config.NodeID == id {
				continue
			}
			if err := leader.Membership().Transfer(id); err != nil {
				t.Fatalf("to %s: %v", id, err)
			}
			if now := c.nodes[c.leader()].config.NodeID; now != id {
				t.Errorf("%s leads, it was to be %s", now, id)
			}
		}
	})
}

// A node that has voted and never got the log has nothing that a cluster could go on from:
// its folder stays as it is.
func TestNothingToRecover(t *testing.T) {
	if err := Recover(testConfig(t, "n1")); err == nil {
		t.Error("a folder that is not there was recovered")
	}
	for _, term := range []uint64{0, 3} {
		c := testConfig(t, "n1")
		c.Bootstrap = nil
		n := mustOpen(t, c)
		if err := n.data.Votes.SetUint64([]byte("CurrentTerm"), term); err != nil {
			t.Fatal(err)
		}
		mustClose(t, n)
		before, err := folder.ReadIdentity(c.DataDir)
		if err != nil {
			t.Fatal(err)
		}
		if err := Recover(c); !errors.Is(err, ErrNothing) {
			t.Errorf("in term %d: %v", term, err)
		}
		if after, err := folder.ReadIdentity(c.DataDir); err != nil || after.Checksum != before.Checksum {
			t.Errorf("in term %d the identity was %+v and is %+v (%v)", term, before, after, err)
		}
	}
}

// A block knows its history from the first one on.
func TestSameHistoryFromTheFirstBlock(t *testing.T) {
	r := mustOpenReplica(t)
	if err := r.apply(5); err != nil {
		t.Fatal(err)
	}
	c := &Checks{journal: r.machine.journal}
	for height := uint64(0); height <= 6; height++ {
		block, err := r.machine.journal.Read(height)
		there := err == nil
		same, err := c.SameHistory(height, hex.EncodeToString(block.Hash[:]))
		if there != (err == nil) || same != there {
			t.Errorf("at %d: %t, %v", height, same, err)
		}
		if other, err := c.SameHistory(height, "other"); other || there != (err == nil) {
			t.Errorf("another block at %d: %t, %v", height, other, err)
		}
	}
}

// A node whose log is another cluster's than its identity takes no office: it ends.
func TestALogOfAnotherClusterEndsTheNode(t *testing.T) {
	c := testConfig(t, "n1")
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	if err := n.data.Owner.Change(func(i *folder.Identity) { i.ClusterID, i.Birth = folder.NewClusterID().String(), nil }); err != nil {
		t.Fatal(err)
	}
	mustClose(t, n)

	failed := make(chan error, 10)
	c.Fatal = func(err error) { failed <- err }
	n = mustOpen(t, c)
	if err := <-failed; !errors.Is(err, ErrBirth) {
		t.Errorf("it ended with %v", err)
	}
	if n.Leads() || n.Leader() == nil || len(n.Births()) != 1 {
		t.Errorf("it leads, with births %+v", n.Births())
	}
	mustClose(t, n)
	if len(failed) > 0 {
		t.Errorf("it ended again with %v", <-failed)
	}
}

// A node whose port is taken does not start, and lets its folder go.
func TestATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := testConfig(t, "n1")
	free := c.RaftAddress
	c.RaftAddress = taken.Addr().String()
	if n, err := Open(c); n != nil || !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("started: %v", err)
	}
	c.RaftAddress = free
	mustClose(t, mustOpen(t, c))
}

// A snapshot whose journal ends elsewhere than its state is none.
func TestASnapshotOfTwoHeights(t *testing.T) {
	leader, follower := mustOpenReplica(t), mustOpenReplica(t)
	if err := errors.Join(leader.apply(20), leader.snapshot(1)); err != nil {
		t.Fatal(err)
	}
	whole := leader.newest
	for off, want := range map[int]error{-1: store.ErrSnapshot, 1: store.ErrSnapshot} {
		head := whole.head
		head.Height += uint64(off)
		header := store.AppendHeader(nil, head, leader.machine.state.Seq())
		data := append(header, whole.data[len(header):]...)
		if err := follower.machine.Restore(io.NopCloser(bytes.NewReader(data))); !errors.Is(err, want) || follower.machine.state.Seq() != 0 {
			t.Errorf("%d blocks off: %v", off, err)
		}
	}
	if err := follower.machine.Restore(io.NopCloser(bytes.NewReader(whole.data))); err != nil || follower.machine.counters.changing.Seconds() <= 0 {
		t.Errorf("a whole one: %v", err)
	}
}

// Who waits for changes of orders at a node waits until there is one, and is told which.
func TestWaitForChangesAtANode(t *testing.T) {
	c := testConfig(t, "n1")
	c.DataDir = testenv.MemoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		c.RaftAddress, c.Bootstrap, c.Transport = "n1", []Member{{ID: "n1", Address: "n1"}}, newNetwork(1).open("n1")
		n := mustOpen(t, c)
		defer mustClose(t, n)
		eventually(t, "leadership", leads(n))
		sale := createSale(t, n, concert(10))
		bought, err := buyAs(n, "ann", sale)
		if err != nil {
			t.Fatal(err)
		}
		_, height, _ := n.Changes(0)
		began := time.Now()
		time.AfterFunc(time.Minute, func() {
			_, _ = n.Decide(&sequencer.Command{Kind: sequencer.KindCancel, Order: bought.Order, User: []byte("ann")})
		})
		n.WaitChanges(t.Context(), height)
		if waited := time.Since(began); waited < time.Minute {
			t.Errorf("waited for %v", waited)
		}
		if orders, upTo, complete := n.Changes(height); len(orders) != 1 || orders[0] != bought.Order || upTo <= height || !complete {
			t.Errorf("orders %v changed up to %d, complete %t", orders, upTo, complete)
		}
	})
}
