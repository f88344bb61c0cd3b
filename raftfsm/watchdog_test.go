package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/sequencer"
	"onsale/wal/journal"
)

func sampleHead() journal.Head {
	return journal.Head{Height: 3, RaftIndex: 5, Hash: journal.Hash{1, 2}}
}

func seqOf(header []byte) uint64 { return binary.LittleEndian.Uint64(header[56:]) }

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
	if err := n.logs.log.Close(); err != nil { // as if the disk went away
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
	c.StallMax = 10 * time.Second // what a busy disk takes is none
	fatal := make(chan error, 10)
	c.Fatal = func(err error) { fatal <- err }
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	n.logs.storingSince.Store(time.Now().Add(-time.Minute).UnixNano()) // a store began, and does not end
	select {
	case err := <-fatal:
		if !errors.Is(err, errStalled) {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("nobody noticed")
	}
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
	n.fatal(errors.New("the disk is full"))
	n.leader <- false
	n.leader <- true // elected again
	eventually(t, "the end of its office", func() bool { return n.Leader() != nil })
	eventually(t, "both elections", func() bool { return len(n.leader) == 0 })
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
