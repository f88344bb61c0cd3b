package raftfsm

import (
	"strings"
	"testing"
)

// A node knows its own blocks by their hashes, and other histories from its own.
func TestSameHistory(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "a leader", leads(n))
	createSale(t, n, concert(10))
	early := n.Status()
	if _, err := buyAs(n, "ann", 1); err != nil {
		t.Fatal(err)
	}
	now := n.Status()
	if early.JournalHeight == 0 || now.JournalHeight <= early.JournalHeight {
		t.Fatalf("heights %d, then %d", early.JournalHeight, now.JournalHeight)
	}
	for _, c := range []struct {
		height uint64
		hash   string
		same   bool
	}{
		{early.JournalHeight, early.JournalHash, true},
		{now.JournalHeight, now.JournalHash, true},
		{early.JournalHeight, now.JournalHash, false},
		{now.JournalHeight, strings.Repeat("0", 64), false},
	} {
		if same, err := n.Checks().SameHistory(c.height, c.hash); err != nil || same != c.same {
			t.Errorf("height %d, hash %.8s: %v, %v", c.height, c.hash, same, err)
		}
	}
	for _, height := range []uint64{0, now.JournalHeight + 1} {
		if _, err := n.Checks().SameHistory(height, now.JournalHash); err == nil {
			t.Errorf("compared with height %d", height)
		}
	}
}
