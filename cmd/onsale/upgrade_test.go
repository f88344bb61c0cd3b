package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/bench"
	"onsale/cluster/membership"
	"onsale/internal/procs"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// upgradeRate is how many buyers come a second while processes are upgraded; make
// upgrade-drill asks for more than a test in passing can have.
var (
	upgradeRate   = flag.Int("upgrade-rate", 300, "buyers a second in TestRollingUpgrade")
	upgradeRounds = flag.Int("upgrade-rounds", 1, "how often TestRollingUpgrade goes up, down and up again")
)

// stream is buyers who come at a rate through front-ends until it is stopped, run after run.
type stream struct {
	rate    int
	secret  []byte
	doors   []string
	stop    chan struct{}
	group   sync.WaitGroup
	mu      sync.Mutex
	reports []*bench.LoadReport
	failure error

	answered atomic.Uint64 // buyers of the runs that ended
	now      atomic.Uint64 // and of the run under way
}

const (
	// streamRun is one run's length. A stream ends with the run under way.
	streamRun = 3 * time.Second
	// streamRetry is how long a buyer tries again with the same key: as long as a door is away.
	streamRetry = 30 * time.Second
)

func beginStream(t testing.TB, rate int, fronts []*testNode) *stream {
	t.Helper()
	secret, err := readSecret(fronts[0].secretFile)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{rate: rate, secret: secret, stop: make(chan struct{})}
	for _, f := range fronts {
		s.doors = append(s.doors, f.http)
	}
	s.group.Go(func() {
		for run := uint64(1); s.failure == nil; run++ {
			select {
			case <-s.stop:
				return
			default:
				s.run(run)
			}
		}
	})
	return s
}

func (s *stream) run(run uint64) {
	o := bench.DefaultLoadOptions()
	o.Addresses, o.Secret, o.Sale, o.Rate, o.First = s.doors, s.secret, "gig", s.rate, run<<32
	o.Connections, o.Duration, o.WarmUp, o.Timeout, o.RetryMax = 128, streamRun, 0, streamRetry, streamRetry
	o.Progress = func(answered uint64, _ float64) { s.now.Store(answered) }
	r, err := bench.RunLoad(context.Background(), o)
	s.answered.Add(s.now.Swap(0))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure = err; err == nil {
		s.reports = append(s.reports, r)
	}
}

// goesOn waits until so many more buyers were answered as come in half a second.
func (s *stream) goesOn(t testing.TB) {
	t.Helper()
	all := func() uint64 { return s.answered.Load() + s.now.Load() }
	enough := all() + uint64(s.rate/2)
	testenv.Eventually(t, time.Minute, "buyers who are answered", func() bool { return all() >= enough })
}

// end stops the stream and returns how many orders were told. Everybody must have been
// told of one.
func (s *stream) end(t testing.TB) (told uint64) {
	t.Helper()
	close(s.stop)
	s.group.Wait()
	if s.failure != nil {
		t.Fatal(s.failure)
	}
	var requests, retries uint64
	slowest := 0.0
	for _, r := range s.reports {
		requests += uint64(r.Selling.Requests)
		retries += r.Selling.Retries
		told += r.Selling.Outcomes["reserved"]
		slowest = max(slowest, r.Selling.Millis["max"])
		if r.Selling.Failed+r.SoldOut.Failed > 0 {
			t.Errorf("%d buyers were told nothing: %v", r.Selling.Failed+r.SoldOut.Failed, r.Selling.Failures)
		}
	}
	if told != requests || told == 0 {
		t.Errorf("%d of %d buyers were told of an order", told, requests)
	}
	t.Logf("%d buyers in %d runs at %d a second: all have an order, after %d retries, the slowest after %.0f ms", told, len(s.reports), s.rate, retries, slowest)
	return told
}

// upgrade is a cluster with its front-ends, and the two programs that its processes run.
type upgrade struct {
	t             *testing.T
	old, next     string
	nodes, fronts []*testNode
	buyers        *stream
}

// turn restarts processes with a program, one after the other; each must be ready before the
// next one is stopped. The leader comes last among the nodes.
func (u *upgrade) turn(program string, processes ...[]*testNode) {
	u.t.Helper()
	for _, group := range processes {
		ordered := slices.Clone(group)
		if group[0].frontEndOf == nil {
			leader := leaderAmong(u.t, group)
			slices.SortStableFunc(ordered, func(a, b *testNode) int { return isOne(a == leader) - isOne(b == leader) })
		}
		for _, n := range ordered {
			u.buyers.goesOn(u.t)
			n.stop()
			n.program = program
			n.start()
			testenv.Eventually(u.t, time.Minute, n.id+" ready again", n.ready)
			if n.frontEndOf == nil {
				u.caughtUp(n)
			}
		}
	}
}

func isOne(is bool) int {
	if is {
		return 1
	}
	return 0
}

// caughtUp waits until a node is healthy in the eyes of the cluster.
func (u *upgrade) caughtUp(n *testNode) {
	u.t.Helper()
	testenv.Eventually(u.t, time.Minute, "a healthy cluster with "+n.id, func() bool {
		status, err := u.status(n)
		return err == nil && status.Health.Healthy
	})
}

func (u *upgrade) status(n *testNode) (status membership.ClusterStatus, err error) {
	raw, err := n.seller().Cluster(u.t.Context())
	if err == nil {
		err = json.Unmarshal(raw, &status)
	}
	return status, err
}

// finalize runs the command and returns its exit code and what it wrote.
func (u *upgrade) finalize() (code int, output string) {
	u.t.Helper()
	n := u.nodes[0]
	args := []string{"cluster", "finalize", "--private", n.private, "--secret-file", n.secretFile}
	if asked, said := attempt(args...); !strings.Contains(said, "is at level 2") && (asked != 2 || !strings.Contains(said, "add --yes")) {
		u.t.Errorf("without --yes: exit code %d\n%s", asked, said)
	}
	return attempt(append(args, "--yes")...)
}

// audited runs a program's audit of every node's journal, which must be clean.
func (u *upgrade) audited(program string) {
	u.t.Helper()
	for _, n := range u.nodes {
		p := startProcess(u.t, procs.Config{Name: "audit of " + n.id, Path: program, Args: []string{"audit", filepath.Join(n.dir, "journal")}, Env: ownEnvironment()})
		if code := awaitEnd(u.t, p); code != 0 || !strings.Contains(p.Output(), "clean") {
			u.t.Errorf("audit of %s: exit code %d\n%s", n.id, code, p.Output())
		}
	}
}

// Nodes and front-ends are upgraded to a program whose level is one higher and taken back,
// in both orders, while buyers come through the front-ends: everybody is told of an order,
// every order is there. Then the level is raised, and what does not speak it is refused.
func TestRollingUpgrade(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes, a program that is built, and some minutes at the full rate")
	u := &upgrade{t: t, old: os.Args[0], next: buildProgram(t, "-tags", "levelplus"), nodes: newNodes(t, 3)}
	u.fronts = newFrontEnds(t, 2, u.nodes)
	for _, n := range u.nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, u.nodes), 1<<30)
	for _, f := range u.fronts {
		f.start()
		testenv.Eventually(t, time.Minute, "a ready front-end", f.ready)
	}

	u.buyers = beginStream(t, *upgradeRate, u.fronts)
	u.turn(u.next, u.nodes, u.fronts[:1])
	u.mustBeHeldBack()
	u.turn(u.next, u.fronts[1:])
	u.turn(u.old, u.fronts, u.nodes)
	u.turn(u.next, u.fronts, u.nodes)
	for range *upgradeRounds - 1 {
		u.turn(u.old, u.nodes, u.fronts)
		u.turn(u.next, u.nodes, u.fronts)
	}
	for range 2 { // it may be repeated
		if code, output := u.finalize(); code != 0 || !strings.Contains(output, "is at level 2") {
			t.Fatalf("exit code %d\n%s", code, output)
		}
	}
	u.turn(u.next, u.nodes) // who starts again reads both formats
	u.buyers.goesOn(t)
	told := u.buyers.end(t)

	u.mustHaveSold(told)
	mustBeSame(t, u.nodes)
	u.mustRefuseTheOld()
	for _, n := range append(slices.Clone(u.fronts), u.nodes...) {
		n.stop()
	}
	u.audited(u.next)
}

// mustBeHeldBack expects that the level is not raised past a front-end that does not speak it.
func (u *upgrade) mustBeHeldBack() {
	u.t.Helper()
	code, output := u.finalize()
	if says := "front-end f2"; code == 0 || !strings.Contains(output, says) || strings.Contains(output, "front-end f1") {
		u.t.Fatalf("exit code %d, expected is a word on %s\n%s", code, says, output)
	}
	status, err := u.status(u.nodes[0])
	if err != nil || status.Health.Level != sequencer.LevelFirst || status.Health.LevelAvailable != 0 {
		u.t.Fatalf("%+v, %v", status.Health, err)
	}
}

// mustHaveSold compares what was told with the books.
func (u *upgrade) mustHaveSold(told uint64) {
	u.t.Helper()
	leader := leaderAmong(u.t, u.nodes)
	sale, err := leader.seller().Sale(u.t.Context(), "gig")
	if err != nil {
		u.t.Fatal(err)
	}
	if held := uint64(sale.Held); held != told {
		u.t.Errorf("%d orders are in the books, %d were told", held, told)
	}
}

// mustRefuseTheOld starts the old program beside the raised cluster, and on a node's folder.
func (u *upgrade) mustRefuseTheOld() {
	u.t.Helper()
	front := newFrontEnds(u.t, 1, u.nodes)[0]
	front.id = "f3"
	front.start()
	front.logs("does not speak the cluster's format level")
	testenv.Eventually(u.t, time.Minute, "a front-end that says why it is not ready", func() bool {
		says := front.readyz()
		return !slices.ContainsFunc([]string{"no node can be reached", "this release is too old for the cluster", "it speaks levels up to 1", "is at 2"},
			func(text string) bool { return !strings.Contains(says, text) })
	})

	n := u.nodes[2]
	n.stop()
	before := fmt.Sprint(os.ReadDir(n.dir))
	n.program = u.old
	n.start()
	if code := n.ended(); code != 1 || !strings.Contains(n.log(), "it speaks levels up to 1") || strings.Contains(n.log(), "repair") {
		u.t.Errorf("the old program on %s's folder: exit code %d\n%s", n.id, code, n.log())
	}
	if after := fmt.Sprint(os.ReadDir(n.dir)); after != before {
		u.t.Errorf("it changed the folder from %s to %s", before, after)
	}
	n.program = u.next
	n.start()
	u.caughtUp(n)
}
