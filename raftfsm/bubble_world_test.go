package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/peer"
	"onsale/raftfsm/transport"
)

// world is one cluster in one bubble, its clients, and the faults that befall it.
type world struct {
	t       testing.TB
	seed    uint64
	dir     string
	plant   plant
	grace   time.Duration // OutageGrace of the nodes
	timeout time.Duration // their HeartbeatTimeout
	adjust  func(*Config) // of every node's configuration; nil is none
	random  *rand.Rand    // of the schedule; the nemesis' goroutine only
	net     *network
	chain   *chain
	past    *history
	tasks   sync.WaitGroup // changes under way
	ended   atomic.Bool

	mu         sync.Mutex
	nodes      map[string]*Node // that run
	disks      map[string]*disk
	skews      map[string]time.Duration // of the wall clocks
	made       int                      // nodes so far
	counts     map[string]int
	events     []string // the schedule as it happened
	lines      []line   // the newest of the nodes' log
	violations []string
	dying      []string // ended their processes
	leader     string   // who took office last
	failovers  int
}

// plant is a bug that the checks must find.
type plant struct {
	logNoSync bool
	machine   func(*observer) raft.FSM
	apply     func(*Node, raft.Log) raft.ApplyFuture
	stored    func(*Node, []*raft.Log)
}

// worldTimeout is the usual heartbeat time-out of a world.
const worldTimeout = 100 * time.Millisecond

func newWorld(t testing.TB, seed uint64, dir string, p plant) *world {
	return &world{t: t, seed: seed, dir: dir, plant: p, grace: 250 * time.Millisecond, timeout: worldTimeout, random: rand.New(rand.NewPCG(seed, 'f')), net: newNetwork(seed), chain: newChain(),
		past: newHistory(), nodes: map[string]*Node{}, disks: map[string]*disk{}, skews: map[string]time.Duration{}, counts: map[string]int{}}
}

// violate notes that a promise was broken; the world ends soon after.
func (w *world) violate(format string, values ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violations = append(w.violations, fmt.Sprintf(format, values...))
	w.ended.Store(true)
}

func (w *world) count(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what]++
}

// note adds a line to the schedule as it happened.
func (w *world) note(format string, values ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, fmt.Sprintf("%s "+format, append([]any{bubbleTime(time.Now())}, values...)...))
}

func bubbleTime(t time.Time) string {
	return fmt.Sprintf("%10.4f", t.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).Seconds())
}

func (w *world) disk(id string) *disk {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.disks[id] == nil {
		w.disks[id] = new(disk)
	}
	return w.disks[id]
}

// skewed is a wall clock that is off.
type skewed struct{ by time.Duration }

func (c skewed) Now() time.Time { return time.Now().Add(c.by) }

// Boot is no wall clock.
func (c skewed) Boot() time.Duration { return time.Since(time.Unix(0, 0)) }

// configure returns the configuration of a node; snapshots are small and frequent.
func (w *world) configure(id string, bootstrap []Member) Config {
	c := DefaultConfig()
	c.DataDir, c.NodeID, c.RaftAddress, c.Bootstrap, c.Cluster = filepath.Join(w.dir, id), id, id, bootstrap, peer.ClusterID{1}
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = w.timeout, w.timeout, w.timeout*4/5
	c.CommitTimeout = 20 * time.Millisecond
	c.InFlightMax, c.OutageGrace, c.PeerAwayMax = 4, w.grace, 100*time.Millisecond
	c.SnapshotEntries, c.TrailingEntries, c.LogSegmentBytes, c.JournalSegmentBytes = 64, 4+tailMargin, 1<<14, 1<<15
	c.Fatal = func(err error) { w.die(id, err) }
	c.Logger = slog.New(&worldLog{world: w, id: id})
	c.Clock = skewed{w.skews[id]}
	d := w.disk(id)
	d.syncs = 0 // a log counts from its opening
	c.seams = seams{
		logNoSync: w.plant.logNoSync, apply: w.plant.apply,
		stored: func(n *Node, logs []*raft.Log) {
			d.stored(n, logs)
			if w.plant.stored != nil {
				w.plant.stored(n, logs)
			}
			w.net.thawed(n.trans.LocalAddr()) // a paused process stores nothing more
		},
		machine: func(n *Node, fsm raft.FSM) raft.FSM {
			o := &observer{fsm, n, w}
			if w.plant.machine != nil {
				return w.plant.machine(o)
			}
			return o
		},
	}
	if w.adjust != nil {
		w.adjust(&c)
	}
	return c
}

// die takes a node off the network that ended its process; the nemesis buries it.
func (w *world) die(id string, err error) {
	if !errors.Is(err, transport.ErrStaleTail) {
		w.violate("%s ended its process: %v", id, err)
		return
	}
	w.count("ended for a restart")
	w.note("%s ends: %v", id, err)
	if p := w.net.port(raft.ServerAddress(id)); p != nil {
		p.Close()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dying = append(w.dying, id)
}

// bury crashes the nodes that ended their processes.
func (w *world) bury() {
	w.mu.Lock()
	dying := w.dying
	w.dying = nil
	w.mu.Unlock()
	for _, id := range dying {
		w.crash(id)
	}
}

// start runs a node on its folder.
func (w *world) start(id string, bootstrap []Member) {
	if w.node(id) != nil {
		return
	}
	config := w.configure(id, bootstrap)
	p := w.net.open(raft.ServerAddress(id))
	config.Transport = p
	n, err := Open(config)
	if err != nil {
		p.Close() // a node whose files were refused never came to use it; who sends there would wait for ever
		w.violate("%s does not start: %v", id, err)
		return
	}
	w.mu.Lock()
	w.nodes[id] = n
	w.mu.Unlock()
}

// crash ends a node at once: what it has under way is lost, and of its files what
// was not synced may be.
func (w *world) crash(id string) {
	w.mu.Lock()
	n := w.nodes[id]
	delete(w.nodes, id)
	w.mu.Unlock()
	if n == nil {
		return
	}
	n.config.Transport.(*port).Close()
	n.closed.Do(func() { n.halt() }) // on a machine whose power is gone no error matters
	d := w.disk(id)
	for dir, durable := range map[string]uint64{"journal": d.journal.Load(), "raft-log": d.log.Load()} {
		gone, err := tear(filepath.Join(w.dir, id, dir), durable, w.random.IntN)
		if err != nil {
			w.violate("%s: %v", id, err)
		}
		if gone > 0 {
			w.count("torn " + dir)
		}
	}
	if last, err := lastRecord(filepath.Join(w.dir, id, "journal")); err != nil || last < d.snapshot.Load() {
		w.violate("%s: the journal ends at %d, before the snapshot at %d for which raft forgot its log (%v)", id, last, d.snapshot.Load(), err)
	}
}

func (w *world) node(id string) *Node {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[id]
}

// running returns the ids of the nodes that run, sorted.
func (w *world) running() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]string, 0, len(w.nodes))
	for id := range w.nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// leading returns the leader with the highest term; nil when nobody leads.
func (w *world) leading() *Node {
	var newest *Node
	for _, id := range w.running() {
		if n := w.node(id); n != nil && n.Leads() && (newest == nil || n.raft.CurrentTerm() > newest.raft.CurrentTerm()) {
			newest = n
		}
	}
	return newest
}

// within waits for a condition, in the bubble's time.
func within(d time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(d); ; time.Sleep(5 * time.Millisecond) {
		if condition() {
			return true
		}
		if !time.Now().Before(deadline) {
			return false
		}
	}
}

// tookOffice counts the fail-overs: another node leads than before.
func (w *world) tookOffice(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts["elections"]++
	if w.leader != "" && w.leader != id {
		w.failovers++
	}
	w.leader = id
}

// worldLog keeps the newest lines of the nodes' logs, and hears who leads.
type worldLog struct {
	world *world
	id    string
	with  []slog.Attr
}

// line is one line of a node's log.
type line struct {
	id     string
	record slog.Record
}

func (l line) String() string {
	text := fmt.Sprintf("%s %s %s", bubbleTime(l.record.Time), l.id, l.record.Message)
	l.record.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	return text
}

const linesKept = 400

func (l *worldLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *worldLog) WithGroup(string) slog.Handler                    { return l }
func (l *worldLog) WithAttrs(a []slog.Attr) slog.Handler {
	return &worldLog{l.world, l.id, append(slices.Clone(l.with), a...)}
}

func (l *worldLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "this node leads" {
		l.world.tookOffice(l.id)
	}
	l.world.mu.Lock()
	defer l.world.mu.Unlock()
	if l.world.lines = append(l.world.lines, line{l.id, r}); len(l.world.lines) > 2*linesKept {
		l.world.lines = slices.Clone(l.world.lines[linesKept:])
	}
	return nil
}

// tell prints what one needs to see why a world failed.
func (w *world) tell(out io.Writer) {
	fmt.Fprintf(out, "seed %d: %s\nschedule:\n%s\nlog:\n", w.seed, strings.Join(w.violations, "\n"), strings.Join(w.events, "\n"))
	for _, l := range w.lines {
		fmt.Fprintln(out, l)
	}
}
