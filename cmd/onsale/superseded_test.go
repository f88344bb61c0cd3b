package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/audit"
	"onsale/cluster/known"
	"onsale/proof/testenv"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal"
)

// readyz returns what a node says of its readiness; "" when it does not answer.
func (n *testNode) readyz() string {
	answer, err := http.Get("http://" + n.private + "/readyz?verbose")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// tries buys once, without patience.
func (n *testNode) tries(user string) error {
	_, err := n.buyer(user).Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: "key of " + user})
	return err
}

func (n *testNode) isSuperseded(by string) bool {
	return strings.Contains(n.readyz(), "superseded by cluster "+by) && errors.Is(n.tries("superseded"), sequencer.ErrSuperseded)
}

// copyOf returns a node on a copy of a stopped node's folder.
func copyOf(t *testing.T, n *testNode) *testNode {
	t.Helper()
	twin := *n
	twin.dir = filepath.Join(t.TempDir(), n.id)
	if err := os.CopyFS(twin.dir, os.DirFS(n.dir)); err != nil {
		t.Fatal(err)
	}
	return &twin
}

// alone lets a node start as the cluster of one that its folder was made.
func (n *testNode) alone() *testNode {
	only := *n
	only.join, only.expect = nil, 0
	return &only
}

// drill is a cluster whose nodes were all lost, and the one that succeeds it, in place of its
// first node. Two copies of the others' folders are there.
type drill struct {
	successor *testNode
	lost      []*testNode // n2 and n3
	aside     []*testNode // the same, on copies
	front     *testNode   // with a state file that has met the successor
	lateUser  string      // bought after the backup
	lateOrder string
}

// lose makes a drill; succeed makes the successor's folder of n1's, or of a backup.
func lose(t *testing.T, succeed func(n *testNode, backup string)) *drill {
	t.Helper()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	openGig(t, leader, 1<<20)
	front := newFrontEnds(t, 1, nodes)[0]
	front.extra = []string{"--state-file", filepath.Join(t.TempDir(), "state")}
	front.start()
	testenv.Eventually(t, time.Minute, "a ready front-end", front.ready)
	front.mustBuy("early", "gig")
	backup := filepath.Join(t.TempDir(), "backup")
	has(t, command(t, 0, "snapshot", "save", backup, "--private", leader.private, "--secret-file", leader.secretFile), "cluster_id")
	d := &drill{front: front, lost: nodes[1:], lateUser: "late", lateOrder: front.mustBuy("late", "gig").Order}

	mustBeSame(t, nodes)
	for _, n := range nodes {
		n.stop()
	}
	for _, n := range d.lost {
		d.aside = append(d.aside, copyOf(t, n))
	}
	succeed(nodes[0], backup)
	d.successor = nodes[0].alone()
	d.successor.start()
	return d
}

func recovered(t *testing.T) func(*testNode, string) {
	return func(n *testNode, _ string) {
		has(t, command(t, 0, "cluster", "recover", "--data-dir", n.dir, "--node-id", n.id, "--peer", n.peer, "--yes"), "cluster of one")
	}
}

func restoredFrom(t *testing.T) func(*testNode, string) {
	return func(n *testNode, backup string) {
		n.dir += "-new"
		has(t, command(t, 0, "snapshot", "restore", backup, "--successor", "--data-dir", n.dir, "--node-id", n.id, "--peer", n.peer), "serve")
	}
}

func (d *drill) clusterID(t *testing.T) string {
	t.Helper()
	s, err := leaderAmong(t, []*testNode{d.successor}).status()
	if err != nil {
		t.Fatal(err)
	}
	return s.ClusterID
}

// The runbook's drill: the lost two of three come back by themselves, and would be a quorum.
// They are superseded when they meet the new cluster, and take nothing; a front-end that
// knows the new one and one that starts meanwhile sell there.
func TestLostNodesThatComeBackTakeNothing(t *testing.T) {
	testenv.TakesLong(t, "clusters of processes")
	for name, succeed := range map[string]func(*testing.T) func(*testNode, string){"recover": recovered, "restore": restoredFrom} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := lose(t, succeed(t))
			by := d.clusterID(t)
			testenv.Eventually(t, time.Minute, "the front-end sells in the new cluster", func() bool { return d.front.tries("first") == nil })

			meanwhile := newFrontEnds(t, 1, append([]*testNode{d.successor}, d.lost...))[0]
			for _, n := range d.lost {
				n.start()
			}
			meanwhile.start()
			taken := 0
			testenv.Eventually(t, time.Minute, "both lost nodes are superseded", func() bool {
				for _, n := range d.lost {
					if n.tries("straggler at "+n.id) == nil {
						taken++
					}
				}
				return !slices.ContainsFunc(d.lost, func(n *testNode) bool { return !n.isSuperseded(by) })
			})
			if taken > 0 {
				t.Errorf("%d requests were taken by the lost nodes", taken)
			}
			testenv.Eventually(t, time.Minute, "the front-end that started meanwhile sells", func() bool { return meanwhile.tries("second") == nil })
			d.front.mustBuy("third", "gig")
			for _, user := range []string{"first", "second", "third"} {
				if page, err := d.successor.buyer(user).Orders(t.Context(), 0, ""); err != nil || len(page.Orders) != 1 {
					t.Errorf("%s has in the new cluster: %+v, %v", user, page, err)
				}
			}
			has(t, command(t, 0, "cluster", "status", "--private", d.lost[0].private, "--secret-file", d.lost[0].secretFile), "superseded")
			d.joinAgain(t, d.lost[0])
		})
	}
}

// joinAgain sets a lost node's folder aside and lets it join the new cluster, as the runbook says.
func (d *drill) joinAgain(t *testing.T, n *testNode) {
	t.Helper()
	n.stop()
	if err := os.Rename(n.dir, n.dir+"-superseded"); err != nil {
		t.Fatal(err)
	}
	n.join, n.expect, n.extra = []string{d.successor.peer}, 0, []string{"--stable-time", "500ms"}
	d.successor.stop()
	d.successor.extra = n.extra
	d.successor.start()
	n.start()
	testenv.Eventually(t, time.Minute, "the vote of the node that joined", func() bool { return d.successor.shows(n.id+",voter", "status") && n.ready() })
	mustBeSame(t, []*testNode{d.successor, n})
	d.successor.stop()
	n.stop()
	report, err := audit.Run(filepath.Join(d.successor.dir, "journal"), audit.Options{})
	if err != nil || report.Verdict != audit.VerdictClean && report.Verdict != audit.VerdictUnchecked {
		t.Errorf("audit: %v, %v", report, err) // a restored journal begins behind the backup
	}
}

// The lost nodes come back while the new cluster is out of reach: they cannot know. A
// front-end with a state file refuses them, one without trusts them, and says so; when the
// new cluster is there again, all go on with it, and the lost nodes remember.
func TestFrontEndRemembersTheNewCluster(t *testing.T) {
	testenv.TakesLong(t, "clusters of processes")
	t.Parallel()
	d := lose(t, recovered(t))
	by := d.clusterID(t)
	testenv.Eventually(t, time.Minute, "the front-end sells in the new cluster", func() bool { return d.front.tries("first") == nil })
	d.front.stop()
	d.successor.kill()

	for _, n := range d.lost {
		n.start()
	}
	leaderAmong(t, d.lost).mustBuy("unknowing", "gig")
	d.front.start()
	trusting := newFrontEnds(t, 1, append([]*testNode{d.successor}, d.lost...))[0]
	trusting.start()
	testenv.Eventually(t, time.Minute, "the front-end without a state file sells in the old cluster", func() bool { return trusting.tries("trusting") == nil })
	has(t, trusting.log(), "trusts the cluster that it met first", "--state-file")
	d.front.logs("a node is refused")
	if err := d.front.tries("refused"); !errors.Is(err, sequencer.ErrNoLeader) && !errors.Is(err, sequencer.ErrBehind) || d.front.ready() {
		t.Errorf("the front-end that remembers: %v, ready %t", err, d.front.ready())
	}

	has(t, d.front.readyz(), "no node can be reached", "belongs to a cluster that is superseded", "this process knows "+by)

	d.successor.start()
	leaderAmong(t, []*testNode{d.successor})
	testenv.Eventually(t, time.Minute, "both lost nodes are superseded", func() bool {
		return d.lost[0].isSuperseded(by) && d.lost[1].isSuperseded(by)
	})
	for _, f := range []*testNode{d.front, trusting} {
		testenv.Eventually(t, time.Minute, f.id+" sells in the new cluster", func() bool { return f.tries("at last") == nil })
	}
	has(t, trusting.log(), "another cluster succeeds the one that was known")
	if page, err := d.successor.buyer("trusting").Orders(t.Context(), 0, ""); err != nil || len(page.Orders) != 0 {
		t.Errorf("what the old cluster sold is in the new one: %+v, %v", page, err)
	}

	d.successor.kill()
	for _, n := range d.lost {
		n.stop()
		n.start()
		testenv.Eventually(t, time.Minute, n.id+" remembers", func() bool { return n.isSuperseded(by) })
	}
}

// Two clusters that were both made of one refuse each other and say so; neither stops the
// other.
func TestClustersThatPart(t *testing.T) {
	testenv.TakesLong(t, "clusters of processes")
	t.Parallel()
	d := lose(t, recovered(t))
	leaderAmong(t, []*testNode{d.successor})
	other := d.aside[0]
	recovered(t)(other, "")
	other = other.alone()
	other.start()
	leaderAmong(t, []*testNode{other})
	front := newFrontEnds(t, 1, []*testNode{d.successor})[0]
	front.extra = []string{"--state-file", filepath.Join(t.TempDir(), "state")}
	front.start()
	testenv.Eventually(t, time.Minute, "a ready front-end", front.ready)
	front.stop()
	front.frontEndOf = [][]string{{other.peer}}
	front.start()
	front.logs("belongs to a cluster that parted from this one")
	if front.ready() {
		t.Error("a front-end goes on with a cluster that parted from the one it knows")
	}
	for _, n := range []*testNode{d.successor, other} {
		n.mustBuy("on", "gig")
	}
}

// Of two processes with one node id the one that was started earlier ends, and says why.
func TestTwoProcessesOneNode(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	leaderAmong(t, nodes)
	nodes[2].stop()
	twin := copyOf(t, nodes[2])
	twin.http, twin.private, twin.peer = freeAddress(t), freeAddress(t), freeAddress(t)
	nodes[2].start()
	testenv.Eventually(t, time.Minute, "the node", nodes[2].ready)
	twin.join, twin.expect = nodes[0].join, 0
	twin.start()
	if code := nodes[2].ended(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	has(t, nodes[2].log(), "another process was started later with this node's id", "node n3")
	twin.stop()

	// The operator has stopped the copy, and starts the node again.
	nodes[2].start()
	testenv.Eventually(t, time.Minute, "all three", func() bool {
		return !slices.ContainsFunc(nodes, func(n *testNode) bool { return !n.ready() })
	})
}

// A command remembers which cluster it met, and refuses a node of one that another has
// succeeded, or that has nothing to do with it.
func TestCommandsRememberTheCluster(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	state := filepath.Join(t.TempDir(), "state")
	list := func(code int) string {
		return command(t, code, "sale", "list", "--private", o.server.privateListener.Addr().String(),
			"--secret-file", filepath.Join(o.dir, "token-secret"), "--state-file", state)
	}
	list(0)
	remembered := func(change func(peer.Lineage) peer.Lineage) {
		t.Helper()
		births, _ := o.server.node.PeerConfig().Cluster()
		if err := os.Remove(state); err != nil {
			t.Fatal(err)
		}
		file, err := known.Open(wal.OS{}, state)
		if err == nil {
			err = file.Of(0, slog.New(slog.DiscardHandler)).Meet(&peer.Identity{ID: "n1", Role: peer.Node, Births: change(births)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	remembered(func(own peer.Lineage) peer.Lineage { return own })
	list(0)
	remembered(func(own peer.Lineage) peer.Lineage { return append(slices.Clone(own), peer.ClusterID{9}) })
	has(t, list(1), "node n1", "belongs to a cluster that is superseded", "this process knows 09")
	remembered(func(peer.Lineage) peer.Lineage { return peer.Lineage{{8}} })
	has(t, list(1), "belongs to another cluster")
	damage(t, state)
	has(t, list(1), "--state-file", state, "not a sound state file")
}
