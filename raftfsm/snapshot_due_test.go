package raftfsm

import (
	"testing"
	"time"
)

// A log that grew is followed by a snapshot at once, not when raft looks next.
func TestSnapshotWhenDue(t *testing.T) {
	c := testConfig(t, "n1")
	c.SnapshotEntries = 16
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "office", leads(n))
	sale := createSale(t, n, concert(10))
	for range c.SnapshotEntries + 1 {
		if _, err := buyAs(n, time.Now().String(), sale); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a snapshot", func() bool { return n.machine.counters.snapshots.Load() > 0 })
	if entries, bytes := n.machine.sinceSnapshot(); entries > c.SnapshotEntries || bytes > 1<<12 {
		t.Fatalf("%d entries of %d bytes are not in the snapshot", entries, bytes)
	}
}
