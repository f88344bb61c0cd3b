package raftfsm

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
)

// A full inbox answers at once, while the requests in it are decided.
func TestOverloadAnswersAtOnce(t *testing.T) {
	c := testConfig(t, "n1")
	c.InboxRequestsMax, c.BatchRequestsMax = 4, 2
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(1<<20))
	var group sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[string]int{}
	for i := range 400 {
		group.Go(func() {
			_, err := buyAs(n, fmt.Sprint(i), sale)
			mu.Lock()
			defer mu.Unlock()
			outcomes[fmt.Sprint(err)]++
		})
	}
	group.Wait()
	decided := outcomes["<nil>"]
	if decided == 0 || outcomes[sequencer.ErrOverloaded.Error()] != 400-decided {
		t.Fatalf("outcomes %v", outcomes)
	}
	if view, _ := n.SaleByID("concert"); int(view.Held) != decided {
		t.Fatalf("%d were told yes, %d are held", decided, view.Held)
	}
}

// A log that cannot be written ends the process: once, with the reason, and
// nobody is told that a buy was taken.
func TestWatchdogOnAWriteError(t *testing.T) {
	c := testConfig(t, "n1")
	fatal := make(chan error, 10)
	c.Fatal = func(err error) { fatal <- err }
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(10))
	if err := n.data.Log.Wal().Close(); err != nil { // as if the disk went away
		t.Fatal(err)
	}
	_, err := buyAs(n, "u", sale)
	if !errors.Is(err, sequencer.ErrOutcomeUnknown) && !errors.Is(err, sequencer.ErrNoLeader) {
		t.Fatalf("answered %v", err)
	}
	if err := <-fatal; !strings.Contains(err.Error(), "raft log") {
		t.Fatalf("fatal: %v", err)
	}
	for _, check := range n.Ready() {
		if check.Name == "alive" && check.Err == nil {
			t.Error("a failed node says that it is alive")
		}
	}
	n.Close() // its log is gone; what it says of that is not of interest
	if len(fatal) > 0 {
		t.Fatalf("fatal again: %v", <-fatal)
	}
}

// A store that hangs ends the process although heartbeats go on.
func TestWatchdogOnAStall(t *testing.T) {
	c := testConfig(t, "n1")
	c.StallMax = 10 * time.Second
	synctest.Test(t, func(t *testing.T) { storeThatHangs(t, c) })
}

func storeThatHangs(t *testing.T, c Config) {
	_, c.Transport = raft.NewInmemTransport("n1")
	var hanging atomic.Bool
	released := make(chan struct{})
	c.seams.stored = func(*Node, []*raft.Log) {
		if hanging.Load() {
			<-released
		}
	}
	fatal := make(chan error, 10)
	c.Fatal = func(err error) { fatal <- err }
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))

	hanging.Store(true)
	go n.Decide(&sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("u")}) // its entry is stored, and the store does not return
	select {
	case err := <-fatal:
		if !errors.Is(err, ErrStalled) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("nobody noticed")
	}
	close(released)
}

// A node that failed may be elected before its process has ended, and its state stands
// still: it must neither take requests nor say where the log is. One whose disk was full
// told buyers that their orders did not exist.
func TestAFailedNodeHoldsNoOffice(t *testing.T) {
	c := testConfig(t, "n1")
	c.Fatal = func(error) {}
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	if _, err := n.ReadIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.life.fatal(errors.New("the disk is full"))
	n.leadership.changed <- false
	n.leadership.changed <- true // elected again
	eventually(t, "the end of its office", func() bool { return n.Leader() != nil })
	eventually(t, "both elections", func() bool { return len(n.leadership.changed) == 0 })
	if n.Leads() || n.Leader() == nil {
		t.Error("a failed node holds office")
	}
	if _, err := n.ReadIndex(t.Context()); !errors.Is(err, sequencer.ErrNoLeader) {
		t.Errorf("a failed node says where the log is: %v", err)
	}
}

// raft-boltdb's own go.mod would bring a bbolt of 2020.
func TestBboltVersion(t *testing.T) {
	data, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range [...]string{"go.etcd.io/bbolt v1.5.0", "github.com/hashicorp/raft v1.8.0", "github.com/hashicorp/raft-boltdb/v2 v2.3.0"} {
		if !strings.Contains(string(data), line) {
			t.Errorf("go.mod does not pin %s", line)
		}
	}
}
