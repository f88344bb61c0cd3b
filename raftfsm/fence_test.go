package raftfsm

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// What a node says of its births: a restored or recovered one counts its own before it is in
// the log; a copy and who only joined do not claim to succeed anybody.
func TestLineageOf(t *testing.T) {
	births := func(ids string) (all []sequencer.Birth) {
		for _, id := range []byte(ids) {
			all = append(all, sequencer.Birth{Cluster: sequencer.ClusterID{id}})
		}
		return all
	}
	mark := func(cause sequencer.BirthCause) *folder.BirthMark { return &folder.BirthMark{Cause: cause, Time: 1} }
	for _, c := range []struct {
		name   string
		own    string
		mark   *folder.BirthMark
		births string
		want   string
	}{
		{"no cluster yet", "", nil, "", ""},
		{"a new cluster", "a", nil, "", "a"},
		{"born", "a", nil, "a", "a"},
		{"restored", "b", mark(sequencer.BirthRestore), "a", "ab"},
		{"recovered twice", "c", mark(sequencer.BirthRecover), "ab", "abc"},
		{"restored and born", "b", mark(sequencer.BirthRestore), "ab", "ab"},
		{"a copy", "d", mark(sequencer.BirthCopy), "ab", "d"},
		{"a copy that is born", "d", mark(sequencer.BirthCopy), "d", "d"},
		{"a learner that replays", "b", nil, "a", "b"},
		{"a learner that has replayed", "b", nil, "ab", "ab"},
	} {
		is := folder.Identity{}
		if c.own != "" {
			is.ClusterID, is.Birth = peer.ClusterID{c.own[0]}.String(), c.mark
		}
		got, want := lineageOf(&is, births(c.births)), peer.Lineage(nil)
		for _, id := range []byte(c.want) {
			want = append(want, peer.ClusterID{id})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
	full := make([]sequencer.Birth, sequencer.BirthsMax)
	for i := range full {
		full[i].Cluster = sequencer.ClusterID{1, byte(i), byte(i >> 8)}
	}
	last := folder.Identity{ClusterID: peer.ClusterID{2}.String(), Birth: mark(sequencer.BirthRestore)}
	if got := lineageOf(&last, full); len(got) != peer.BirthsMax || got.Newest() != (peer.ClusterID{2}) || peer.BirthsMax != sequencer.BirthsMax {
		t.Errorf("%d births, the newest is %v", len(got), got.Newest())
	}
}

// loggedTo returns a configuration whose log can be read.
func loggedTo(t *testing.T, out *bytes.Buffer) Config {
	c := testConfig(t, "n1")
	c.Logger = slog.New(slog.NewTextHandler(out, nil))
	return c
}

// A leader that meets a successor takes nothing from then on, says so everywhere, and
// remembers it.
func TestSupersededLeader(t *testing.T) {
	var out bytes.Buffer
	c := loggedTo(t, &out)
	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(50))
	if _, err := buyAs(n, "ann", sale); err != nil {
		t.Fatal(err)
	}

	own, number := n.PeerConfig().Cluster()
	caller := peer.DefaultConfig()
	caller.ID, caller.Cluster = "n7", func() (peer.Lineage, uint8) { return append(slices.Clone(own), peer.ClusterID{9}), number }
	other := caller
	other.Role = peer.FrontEnd
	if _, err := peer.Dial(t.Context(), &other, n.Address(), peer.Forward, ""); !errors.Is(err, peer.ErrOlderCluster) {
		t.Errorf("a front-end that knows the successor: %v", err)
	}
	if _, err := buyAs(n, "bob", sale); err != nil {
		t.Errorf("a front-end's hello has stopped the sale: %v", err)
	}

	for range 2 {
		if _, err := peer.Dial(t.Context(), &caller, n.Address(), peer.Forward, ""); !errors.Is(err, peer.ErrOlderCluster) {
			t.Errorf("a node of the successor: %v", err)
		}
	}
	mustBeSuperseded(t, n, sale)
	if said := out.String(); strings.Count(said, "another cluster succeeds") != 1 || !strings.Contains(said, peer.ClusterID{9}.String()) {
		t.Errorf("the log says\n%s", said)
	}
	mustClose(t, n)

	again := mustOpen(t, c)
	eventually(t, "an election", func() bool { return again.raft.Stats()["state"] == "Leader" })
	mustBeSuperseded(t, again, sale)
	mustClose(t, again)

	// Whoever recovers its folder means it to go on: a cluster that parted from the successor.
	if err := Recover(c); err != nil {
		t.Fatal(err)
	}
	recovered := mustOpen(t, c)
	defer mustClose(t, recovered)
	eventually(t, "leadership of who was recovered", leads(recovered))
	if births, _ := recovered.PeerConfig().Cluster(); births.RelationOf(append(own, peer.ClusterID{9})) != peer.Parted {
		t.Errorf("its births are %v", births)
	}
}

func mustBeSuperseded(t *testing.T, n *Node, sale uint16) {
	t.Helper()
	_, err := buyAs(n, "cid", sale)
	if !errors.Is(err, sequencer.ErrSuperseded) || !strings.Contains(err.Error(), "superseded by cluster 09") {
		t.Errorf("a buy: %v", err)
	}
	if n.Leads() || !errors.Is(n.Leader(), sequencer.ErrSuperseded) {
		t.Errorf("it leads: %t, %v", n.Leads(), n.Leader())
	}
	if s := n.Status(); s.Role != "superseded" || s.SupersededBy != (peer.ClusterID{9}).String() {
		t.Errorf("its status is %s by %q", s.Role, s.SupersededBy)
	}
	if !slices.ContainsFunc(n.Ready(), func(c Check) bool { return !c.Warning && errors.Is(c.Err, sequencer.ErrSuperseded) }) {
		t.Errorf("it is ready: %v", n.Ready())
	}
	if by := n.Identity().SupersededBy; by != (peer.ClusterID{9}).String() {
		t.Errorf("it remembers %q", by)
	}
}

// Clusters that parted refuse each other; both go on, and the log says it once.
func TestPartedLeader(t *testing.T) {
	var out bytes.Buffer
	c := loggedTo(t, &out)
	c.Cluster = peer.ClusterID{1}
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	if err := n.data.Owner.Change(func(i *folder.Identity) {
		i.ClusterID, i.Birth = peer.ClusterID{2}.String(), &folder.BirthMark{Cause: sequencer.BirthRecover, Time: 1}
	}); err != nil {
		t.Fatal(err)
	}
	if s := n.Status(); s.PartedFrom != "" || s.PartedSince != nil {
		t.Errorf("before any meeting: parted from %q since %v", s.PartedFrom, s.PartedSince)
	}
	caller := peer.DefaultConfig()
	caller.ID, caller.Cluster = "n7", func() (peer.Lineage, uint8) { return peer.Lineage{{1}, {3}}, 0 }
	for range 3 {
		if _, err := peer.Dial(t.Context(), &caller, n.Address(), peer.Forward, ""); !errors.Is(err, peer.ErrParted) {
			t.Errorf("a node of a cluster that parted: %v", err)
		}
	}
	if !n.Leads() || n.fence.parted.Load() != 3 || strings.Count(out.String(), "has parted from this one") != 1 {
		t.Errorf("it leads: %t; %d meetings; the log says\n%s", n.Leads(), n.fence.parted.Load(), out.String())
	}
	s := n.Status()
	if s.PartedFrom != (peer.ClusterID{3}).String() || s.PartedSince == nil {
		t.Errorf("its status: parted from %q since %v", s.PartedFrom, s.PartedSince)
	}
	n.fence.mu.Lock()
	n.fence.last = n.fence.last.Add(-partedAge - time.Second)
	n.fence.mu.Unlock()
	if s := n.Status(); s.PartedFrom != "" || s.PartedSince != nil {
		t.Errorf("long after the last meeting: parted from %q since %v", s.PartedFrom, s.PartedSince)
	}
}

// Each start has a higher number; a process that meets a later one with its id ends.
func TestStartNumbers(t *testing.T) {
	var ended atomic.Pointer[error]
	c := testConfig(t, "n1")
	c.Fatal = func(err error) { ended.Store(&err) }
	last := uint64(0)
	for range 3 {
		n := mustOpen(t, c)
		eventually(t, "leadership", leads(n))
		start := n.PeerConfig().Start
		if start <= last {
			t.Errorf("start %x after %x", start, last)
		}
		last = start
		mustClose(t, n)
	}

	n := mustOpen(t, c)
	eventually(t, "leadership", leads(n))
	caller := *n.PeerConfig()
	caller.Fenced, caller.Start = nil, last
	if _, err := peer.Dial(t.Context(), &caller, n.Address(), peer.Forward, ""); !errors.Is(err, peer.ErrReplaced) {
		t.Errorf("an earlier process: %v", err)
	}
	if ended.Load() != nil {
		t.Errorf("the node has ended: %v", *ended.Load())
	}
	caller.Start = n.PeerConfig().Start + 1
	if _, err := peer.Dial(t.Context(), &caller, n.Address(), peer.Forward, ""); !errors.Is(err, peer.ErrRefused) {
		t.Errorf("a later process: %v", err)
	}
	if err := ended.Load(); err == nil || !errors.Is(*err, peer.ErrReplaced) {
		t.Error("the node goes on beside a later process with its id")
	}
	_ = n.Close()
}

// Who is about to take requests calls the members that it has not met: the one that was
// succeeded in another's place takes none.
func TestLeaderCallsTheMembers(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	own, number := n.PeerConfig().Cluster()
	listen := func(id string, births peer.Lineage) Member {
		c := peer.DefaultConfig()
		c.ID, c.Cluster = id, func() (peer.Lineage, uint8) { return births, number }
		l, err := peer.Listen("127.0.0.1:0", c)
		if err != nil {
			t.Fatal(err)
		}
		var serving sync.WaitGroup
		serving.Go(func() { _ = l.Serve() })
		t.Cleanup(func() { l.Close(); serving.Wait() })
		return Member{ID: id, Address: l.Addr().String()}
	}
	friend := listen("n2", own)
	n.fence.callOthers(n.port, []Member{{ID: "n1", Address: n.Address()}, friend, {ID: "n3", Address: "127.0.0.1:1"}})
	if !n.Leads() || !n.fence.hasMet("n2") || n.fence.hasMet("n3") {
		t.Errorf("it leads: %t; it has met %v", n.Leads(), n.fence.met)
	}
	n.fence.callOthers(n.port, []Member{listen("n2", append(slices.Clone(own), peer.ClusterID{9}))}) // it was met before
	if !n.Leads() {
		t.Error("a member was called twice")
	}
	n.fence.callOthers(n.port, []Member{listen("n4", append(slices.Clone(own), peer.ClusterID{9}))})
	if n.Leads() || n.fence.err() == nil {
		t.Error("a leader that has met its successor goes on")
	}
}

// The call comes before anything is taken: a leader that is superseded by it never opens.
func TestLeaderCallsBeforeItOpens(t *testing.T) {
	n := mustOpen(t, testConfig(t, "n1"))
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	n.leadership.changed <- false
	eventually(t, "the end of it", func() bool { return !n.Leads() })
	n.leadership.callOthers = func() { n.fence.supersede(&peer.Identity{ID: "n7", Role: peer.Node, Cluster: peer.ClusterID{9}}) }
	n.leadership.changed <- true
	eventually(t, "the call", func() bool { return n.fence.err() != nil })
	n.leadership.changed <- false // is received when begin has returned
	eventually(t, "the next change", func() bool { return len(n.leadership.changed) == 0 })
	if n.Leads() || !errors.Is(n.Leader(), sequencer.ErrSuperseded) {
		t.Errorf("it leads: %t, %v", n.Leads(), n.Leader())
	}
}
