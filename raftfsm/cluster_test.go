package raftfsm

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"onsale/proof/testenv"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// testClock is a wall clock that tests move; it has no monotonic reading.
type testClock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Boot goes on as the wall clock does: the tests let time pass.
func (c *testClock) Boot() time.Duration { return c.Now().Sub(time.Unix(0, 0)) }

func (c *testClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// testConfig is small and quick.
func testConfig(t testing.TB, id string) Config {
	c := DefaultConfig()
	c.DataDir, c.NodeID = filepath.Join(t.TempDir(), id), id
	c.RaftAddress, c.Bootstrap = "127.0.0.1:0", []Member{{ID: id}}
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = 150*time.Millisecond, 150*time.Millisecond, 100*time.Millisecond
	c.CommitTimeout = 5 * time.Millisecond
	c.OutageGrace = time.Hour // a slow machine is no outage
	c.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	return c
}

func mustOpen(t testing.TB, c Config) *Node {
	t.Helper()
	n, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustClose(t testing.TB, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	testenv.Eventually(t, time.Minute, what, condition)
}

func leads(n *Node) func() bool { return n.Leads }

func createSale(t testing.TB, n *Node, spec sequencer.SaleSpec) uint16 {
	t.Helper()
	r, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	if err != nil || r.Code != sequencer.CodeOK {
		t.Fatalf("sale: %+v, %v", r, err)
	}
	return r.Sale
}

func concert(quantity uint32) sequencer.SaleSpec {
	return sequencer.SaleSpec{ID: "concert", Item: "Concert", Quantity: quantity, Cap: 2, Price: 100, Currency: "EUR", Hold: int64(time.Hour), Grace: int64(time.Minute)}
}

func orderOf(n *Node, seq uint64) (view sequencer.OrderView, known bool) {
	n.Read(func(s sequencer.Reader) { view, known = s.Order(seq) })
	return view, known
}

// countOf returns how many orders a user has, ten at most.
func countOf(n *Node, user string) (count int) {
	n.Read(func(s sequencer.Reader) { count = len(s.OrdersOf([]byte(user), 0, 10)) })
	return count
}

func buyAs(n *Node, user string, sale uint16) (sequencer.Result, error) {
	return n.Decide(&sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: 1, User: []byte(user),
		Key: sequencer.DigestKey([]byte(user), []byte("k"))})
}

// cluster is three nodes in one process on in-memory transports.
type cluster struct {
	t       testing.TB
	configs []Config
	nodes   []*Node
	trans   []*raft.InmemTransport
}

func newCluster(t testing.TB, change func(*Config)) *cluster {
	c := &cluster{t: t, nodes: make([]*Node, 3), trans: make([]*raft.InmemTransport, 3)}
	var members []Member
	for i := range 3 {
		id := fmt.Sprintf("n%d", i+1)
		members = append(members, Member{ID: id, Address: id})
	}
	for i := range 3 {
		config := testConfig(t, members[i].ID)
		config.RaftAddress, config.Bootstrap, config.Cluster = members[i].Address, members, peer.ClusterID{1}
		if change != nil {
			change(&config)
		}
		c.configs = append(c.configs, config)
		c.start(i)
	}
	return c
}

// start opens a node and connects it with those that run.
func (c *cluster) start(i int) {
	_, trans := raft.NewInmemTransport(raft.ServerAddress(c.configs[i].RaftAddress))
	c.trans[i] = trans
	for k, other := range c.trans {
		if k != i && other != nil && c.nodes[k] != nil {
			trans.Connect(other.LocalAddr(), other)
			other.Connect(trans.LocalAddr(), trans)
		}
	}
	config := c.configs[i]
	config.Transport = trans
	c.nodes[i] = mustOpen(c.t, config)
}

// stop closes a node as a crash would look to the others.
func (c *cluster) stop(i int) {
	c.cut(i)
	mustClose(c.t, c.nodes[i])
	c.nodes[i] = nil
}

func (c *cluster) cut(i int) {
	for k, other := range c.trans {
		if k != i && other != nil {
			other.Disconnect(c.trans[i].LocalAddr())
			c.trans[i].Disconnect(other.LocalAddr())
		}
	}
}

// createSale makes a sale at whoever leads. A machine that stands still for a moment
// changes the leader, also of a cluster that was made just now.
func (c *cluster) createSale(spec sequencer.SaleSpec) (sale uint16) {
	c.t.Helper()
	command := sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}
	eventually(c.t, "a sale", func() bool {
		r, err := c.nodes[c.leader()].Decide(&command)
		if err != nil && !isBetweenLeaders(err) || err == nil && r.Code != sequencer.CodeOK && r.Code != sequencer.CodeSaleExists {
			c.t.Fatalf("sale: %+v, %v", r, err)
		}
		sale = r.Sale
		return err == nil
	})
	return sale
}

// isBetweenLeaders reports whether a client would try again with the same key.
func isBetweenLeaders(err error) bool {
	return errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrOutcomeUnknown) || errors.Is(err, sequencer.ErrStopping)
}

func (c *cluster) leader() int {
	c.t.Helper()
	found := -1
	eventually(c.t, "a leader", func() bool {
		for i, n := range c.nodes {
			if n != nil && n.Leads() {
				found = i
				return true
			}
		}
		return false
	})
	return found
}

// converge waits until all running nodes have applied the same and compares
// their state and journal. The leader is asked again each time: on a busy machine another
// one may have been elected meanwhile, and have written on.
func (c *cluster) converge() (want Status) {
	c.t.Helper()
	var all []Status
	eventually(c.t, "all nodes applied everything", func() bool {
		want, all = c.nodes[c.leader()].Status(), nil
		for _, n := range c.nodes {
			if n == nil {
				continue
			}
			got := n.Status()
			if got.Seq != want.Seq || got.JournalHeight != want.JournalHeight {
				return false
			}
			all = append(all, got)
		}
		return true
	})
	for _, got := range all {
		if got.StateHash != want.StateHash || got.JournalHash != want.JournalHash {
			c.t.Fatalf("node %s differs from the leader:\n%+v\n%+v", got.NodeID, got, want)
		}
	}
	return want
}

func (c *cluster) close() {
	for i, n := range c.nodes {
		if n != nil {
			c.stop(i) // cut off first: nobody hands over to a node that is gone
		}
	}
}

// load buys as many users at once, each until it has an answer, following the
// leader; it returns who was told of an order, by seq.
func (c *cluster) load(sale uint16, users, each int, stop <-chan struct{}) map[string]uint64 {
	acknowledged, mu := map[string]uint64{}, sync.Mutex{}
	var group sync.WaitGroup
	for u := range users {
		group.Go(func() {
			for i := range each {
				select {
				case <-stop:
					return
				default:
				}
				user := fmt.Sprintf("user-%d-%d", u, i)
				if r, ok := c.buyUntilAnswered(user, sale); ok && r.State == sequencer.StateReserved {
					mu.Lock()
					acknowledged[user] = r.Seq
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return acknowledged
}

// buyUntilAnswered retries with the same key, which is what a client does.
func (c *cluster) buyUntilAnswered(user string, sale uint16) (sequencer.Result, bool) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, n := range c.nodes {
			if n == nil || !n.Leads() {
				continue
			}
			r, err := buyAs(n, user, sale)
			if err == nil {
				return r, true
			}
			if !isBetweenLeaders(err) {
				c.t.Errorf("buy: %v", err)
			}
		}
	}
	return sequencer.Result{}, false
}
