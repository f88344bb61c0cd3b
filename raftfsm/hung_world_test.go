package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	tidwall "github.com/tidwall/wal"

	"onsale/proof/testenv"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal"
)

// hangingFiles is a disk that hangs: calls on paths with a part in them return when they are
// released.
type hangingFiles struct {
	wal.OS
	mu       sync.Mutex
	part     string        // of the paths; "" is none
	released chan struct{} // of the bubble
}

func (f *hangingFiles) hang(part string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.part, f.released = part, make(chan struct{})
}

func (f *hangingFiles) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.part != "" {
		close(f.released)
		f.part = ""
	}
}

// pass returns when the disk does.
func (f *hangingFiles) pass(path string) {
	f.mu.Lock()
	released, hangs := f.released, f.part != "" && strings.Contains(path, f.part)
	f.mu.Unlock()
	if hangs {
		<-released
	}
}

func (f *hangingFiles) OpenFile(path string, flag int) (wal.File, error) {
	file, err := f.OS.OpenFile(path, flag)
	return hangingFile{file, f, path}, err
}

func (f *hangingFiles) SyncDir(dir string) error {
	f.pass(dir)
	return f.OS.SyncDir(dir)
}

func (f *hangingFiles) OpenAppender(dir string, options *tidwall.Options) (wal.Appender, error) {
	a, err := f.OS.OpenAppender(dir, options)
	return hangingAppender{a, f, dir}, err
}

type hangingFile struct {
	wal.File
	of   *hangingFiles
	path string
}

func (f hangingFile) Sync() error {
	f.of.pass(f.path)
	return f.File.Sync()
}

type hangingAppender struct {
	wal.Appender
	of  *hangingFiles
	dir string
}

func (a hangingAppender) WriteBatch(b *tidwall.Batch) error {
	a.of.pass(a.dir)
	return a.Appender.WriteBatch(b)
}

// setClock is a wall clock that somebody sets.
type setClock struct {
	mu sync.Mutex
	by time.Duration
}

func (c *setClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

// Boot is set by nobody.
func (c *setClock) Boot() time.Duration { return time.Since(time.Unix(0, 0)) }

func (c *setClock) skew(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = by
}

// lateMachine takes its time outside of what a node watches.
type lateMachine struct {
	raft.FSM
	gate *hangingFiles
}

func (m lateMachine) Apply(l *raft.Log) any {
	m.gate.pass("apply")
	return m.FSM.Apply(l)
}

// offices is a cluster in a bubble whose disks may hang, and whose nodes ask each other how fit
// they are.
type offices struct {
	t      *testing.T
	net    *network
	nodes  []*Node
	disks  []*hangingFiles
	clocks []*setClock
	ends   []time.Time // of certificates; zero for none

	mu    sync.Mutex
	fatal map[string]error
	mute  map[string]bool // who answers nobody
}

// newOffices opens nodes and waits for a leader.
func newOffices(t *testing.T, count int, change func(c *Config)) *offices {
	o := &offices{t: t, net: newNetwork(1), fatal: map[string]error{}, mute: map[string]bool{}, ends: make([]time.Time, count)}
	dir := testenv.MemoryDir(t)
	var members []Member
	for i := range count {
		id := fmt.Sprintf("n%d", i+1)
		members = append(members, Member{ID: id, Address: id})
	}
	for i := range count {
		c := testConfig(t, members[i].ID)
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = time.Second, time.Second, time.Second // minutes pass in these bubbles
		c.CommitTimeout = 100 * time.Millisecond
		c.DataDir, c.RaftAddress, c.Bootstrap, c.Cluster = filepath.Join(dir, c.NodeID), c.NodeID, members, peer.ClusterID{1}
		o.disks, o.clocks = append(o.disks, new(hangingFiles)), append(o.clocks, new(setClock))
		c.Files, c.Clock, c.Transport = o.disks[i], o.clocks[i], o.net.open(raft.ServerAddress(c.NodeID))
		c.CertificateEnds = func() (time.Time, bool) {
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.ends[i], !o.ends[i].IsZero()
		}
		c.Fatal = func(err error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.fatal[c.NodeID] = err
		}
		if change != nil {
			change(&c)
		}
		n := mustOpen(t, c)
		o.nodes = append(o.nodes, n)
		n.MeetOthers(func(ctx context.Context, try bool) []Fitness { return o.ask(ctx, n, try) })
	}
	o.leader()
	return o
}

// ask asks all nodes but one that answer.
func (o *offices) ask(ctx context.Context, by *Node, try bool) (all []Fitness) {
	answers := make(chan Fitness, len(o.nodes))
	asked := 0
	for _, n := range o.nodes {
		o.mu.Lock()
		mute := o.mute[n.config.NodeID] || o.fatal[n.config.NodeID] != nil
		o.mu.Unlock()
		if n != by && !mute {
			asked++
			go func() { answers <- n.Fitness(try) }()
		}
	}
	for range asked {
		select {
		case f := <-answers:
			all = append(all, f)
		case <-ctx.Done():
			return all
		}
	}
	return all
}

// leader returns the number of the node that leads.
func (o *offices) leader() int {
	o.t.Helper()
	found := -1
	eventually(o.t, "a leader", func() bool {
		for i, n := range o.nodes {
			if n.Leads() {
				found = i
			}
		}
		return found >= 0
	})
	return found
}

// ended returns what a node ended its process with.
func (o *offices) ended(i int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fatal[o.nodes[i].config.NodeID]
}

// kill takes a node off the network, as the end of its process does.
func (o *offices) kill(i int) {
	var links []link
	for k := range o.nodes {
		if a, b := raft.ServerAddress(o.nodes[i].config.NodeID), raft.ServerAddress(o.nodes[k].config.NodeID); k != i {
			links = append(links, link{a, b}, link{b, a})
		}
	}
	o.net.cut(links, 1)
}

// close ends all, whatever hung.
func (o *offices) close() {
	for i := range o.nodes {
		o.disks[i].release()
		o.kill(i)
	}
	for _, n := range o.nodes {
		n.closed.Do(func() { _ = n.halt() }) // a process that was to end says what it likes
	}
	time.Sleep(10 * time.Second) // what is under way arrives, and what hung ends
}

// buy buys at a node in the background, and returns where the answer comes.
func (o *offices) buy(at int, user string) <-chan error {
	answer := make(chan error, 1)
	go func() {
		_, err := buyAs(o.nodes[at], user, 1)
		answer <- err
	}()
	return answer
}

// buyUntilAnswered buys at whoever leads.
func (o *offices) buyUntilAnswered(user string) {
	o.t.Helper()
	eventually(o.t, "a buy", func() bool {
		for _, n := range o.nodes {
			if n.Leads() {
				r, err := buyAs(n, user, 1)
				if err != nil && !isBetweenLeaders(err) {
					o.t.Fatal(err)
				}
				return err == nil && r.Code == sequencer.CodeOK
			}
		}
		return false
	})
}

// mustBeUnknown fails unless a buy is answered within a time, as one whose outcome is unknown.
func mustBeUnknown(t *testing.T, answer <-chan error, within time.Duration) {
	t.Helper()
	select {
	case err := <-answer:
		if !errors.Is(err, sequencer.ErrOutcomeUnknown) {
			t.Errorf("answered with %v", err)
		}
	case <-time.After(within):
		t.Errorf("who bought waits after %v", within)
	}
}

// failing returns which checks of a node's readiness fail.
func failing(n *Node) (names []string) {
	for _, c := range n.Ready() {
		if c.Err != nil && !c.Warning {
			names = append(names, c.Name)
		}
	}
	return names
}
