package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/cluster/codes"
	"onsale/proof/testenv"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noControl refuses every step of administration.
type noControl struct{}

func (noControl) Control(context.Context, peer.Identity, string, []byte) ([]byte, error) {
	return nil, codes.ErrRejected
}

// leader is one node with its peers' port, alone in its cluster.
type leader struct {
	node    *raftfsm.Node
	client  *Client
	replica *Replica
	server  *Server
	sale    uint16
}

func startLeader(t *testing.T) *leader {
	t.Helper()
	c := raftfsm.DefaultConfig()
	c.DataDir, c.RaftAddress = filepath.Join(t.TempDir(), "n1"), "127.0.0.1:0"
	c.Bootstrap = []raftfsm.Member{{ID: "n1"}}
	c.Fatal = func(err error) { t.Errorf("fatal: %v", err) }
	node, err := raftfsm.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "leadership", func() bool { return node.Leader() == nil })
	limits := Limits{RequestsMax: c.BatchRequestsMax, BytesMax: c.BatchBytesMax - sequencer.BatchHeaderBytes}
	l := &leader{node: node, client: NewClient(testClientConfig(), node.PeerConfig(), NewDirectory([]string{node.Address()}), node, limits)}
	l.replica = NewReplica(node, l.client)
	serving := DefaultServerConfig(limits)
	serving.Blocks = node.History()
	l.server = NewServer(serving, node, l.replica, noControl{}, nil)
	listener, err := node.ForwardListener()
	if err != nil {
		t.Fatal(err)
	}
	go l.server.Serve(listener)
	spec := sequencer.SaleSpec{ID: "gig", Item: "Gig", Quantity: 1 << 20, Cap: 2, Currency: "EUR", Hold: int64(time.Hour), Grace: 1}
	r, err := node.Decide(&sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	if err != nil || r.Code != sequencer.CodeOK {
		t.Fatalf("sale: %+v, %v", r, err)
	}
	l.sale = r.Sale
	t.Cleanup(func() {
		for _, close := range []func() error{l.server.Close, l.replica.Close, node.Close} {
			if err := close(); err != nil {
				t.Error(err)
			}
		}
	})
	return l
}

func testClientConfig() ClientConfig {
	c := DefaultClientConfig()
	c.DecideTimeout, c.AttemptTimeout = time.Minute, time.Minute // a slow disk is no lost answer
	return c
}

// frontEndAt returns a front-end that knows one address.
func frontEndAt(t *testing.T, address string, change func(*ClientConfig)) *Remote {
	config, peers := testClientConfig(), peer.DefaultConfig()
	peers.ID, peers.Role = "f1", peer.FrontEnd
	if change != nil {
		change(&config)
	}
	r := NewRemote(NewClient(config, &peers, NewDirectory([]string{address}), nil, Limits{}), config.Logger)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	testenv.Eventually(t, time.Minute, what, condition)
}

func (l *leader) buy(user string) *sequencer.Command {
	return &sequencer.Command{Kind: sequencer.KindBuy, Sale: l.sale, Quantity: 1, User: []byte(user)}
}

// Requests of one door are decided in the order in which they came, in batches, and
// the door reads what it was told.
func TestForwardInOrder(t *testing.T) {
	l := startLeader(t)
	f := frontEndAt(t, l.node.Address(), nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	last := uint64(0)
	for i := range 100 {
		r, err := f.Decide(l.buy(fmt.Sprint("one ", i)))
		if err != nil || r.State != sequencer.StateReserved || r.Seq <= last {
			t.Fatalf("buy %d: %+v, %v", i, r, err)
		}
		last = r.Seq
	}
	var group sync.WaitGroup
	for i := range 1000 {
		group.Go(func() {
			r, err := f.Decide(l.buy(fmt.Sprint("many ", i)))
			if err != nil || r.State != sequencer.StateReserved {
				t.Errorf("buy %d: %+v, %v", i, r, err)
				return
			}
			view, asOf, found, err := f.Order(ctx, r.Order, r.Seq)
			if err != nil || !found || view.User != fmt.Sprint("many ", i) || asOf.Seq < r.Seq || asOf.Position != view.AsOf {
				t.Errorf("order %d: %+v as of %v, %t, %v", r.Order, view, asOf, found, err)
			}
		})
	}
	group.Wait()
	n := f.Client().Counters()
	if n.Requests.Load() != 1100 || n.Batches.Load() >= 1100 || n.Repeated.Load() != 0 {
		t.Errorf("%d requests in %d batches, %d repeated", n.Requests.Load(), n.Batches.Load(), n.Repeated.Load())
	}
	views, _, err := f.OrdersOf(ctx, []byte("one 7"), 0, 10, last)
	if err != nil || len(views) != 1 {
		t.Errorf("orders %+v, %v", views, err)
	}
	if err := f.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	if view, known := f.SaleByID("gig"); !known || view.Held != 1100 {
		t.Errorf("sale %+v", view)
	}
}

// cutter is a way to a node that loses answers: it closes the connection in place
// of every nth answer to a batch.
type cutter struct {
	listener net.Listener
	to       string
	nth      int64
	answers  atomic.Int64
	lost     atomic.Int64
	group    sync.WaitGroup
}

func cutEvery(t *testing.T, nth int64, to string) *cutter {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: listener, to: to, nth: nth}
	c.group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.group.Go(func() { c.carry(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); c.group.Wait() })
	return c
}

// carry copies both ways, and breaks off at its turn: the request has arrived, the
// answer does not.
func (c *cutter) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer far.Close()
	c.group.Go(func() {
		buffer := make([]byte, 1<<16)
		for {
			n, err := near.Read(buffer)
			if err != nil {
				far.Close()
				return
			}
			far.Write(buffer[:n])
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := far.Read(buffer)
		if err != nil {
			return
		}
		if n > 60 && c.answers.Add(1)%c.nth == 0 { // longer than a hello: decisions
			c.lost.Add(1)
			return
		}
		if _, err := near.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// Answers are lost all the time: every buyer gets the one decision that was made,
// without a key, and nobody's is made twice.
func TestLostAnswersAreTold(t *testing.T) {
	l := startLeader(t)
	way := cutEvery(t, 3, l.node.Address())
	f := frontEndAt(t, way.listener.Addr().String(), nil)
	f.client.directory.SetLeader("", way.listener.Addr().String())
	var group sync.WaitGroup
	var told sync.Map
	repeated := &f.client.counters.Repeated
	deadline := time.Now().Add(time.Minute)
	enough := func() bool { return way.lost.Load() >= 5 && repeated.Load() >= 1 || time.Now().After(deadline) }
	for i := range 8 {
		group.Go(func() {
			for k := 0; k < 25 || !enough(); k++ { // where the disk is slow, most go the straight way, which the front-end hears of
				user := fmt.Sprint(i, " ", k)
				f.client.directory.SetLeader("", way.listener.Addr().String())
				r, err := f.Decide(l.buy(user))
				if err != nil || r.State != sequencer.StateReserved {
					t.Errorf("%s: %+v, %v", user, r, err)
					return
				}
				told.Store(r.Order, user)
			}
		})
	}
	group.Wait()
	if way.lost.Load() < 5 || repeated.Load() < 1 {
		t.Fatalf("void: %d answers were lost, %d batches repeated", way.lost.Load(), repeated.Load())
	}
	orders := 0
	told.Range(func(order, user any) bool {
		var view sequencer.OrderView
		var found bool
		l.node.Read(func(s sequencer.Reader) { view, found = s.Order(order.(uint64)) })
		if !found || view.User != user {
			t.Errorf("order %d is %+v, %v was told", order, view, user)
		}
		orders++
		return true
	})
	if view, _ := l.node.SaleByID("gig"); int(view.Held) != orders || orders < 200 {
		t.Fatalf("%d were told, %d are held", orders, view.Held)
	}
}

// Without a leader requests are refused soon, then at once, and taken again when
// there is one.
func TestNoLeader(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := gone.Addr().String()
	gone.Close()
	f := frontEndAt(t, address, func(c *ClientConfig) { c.DecideTimeout = 100 * time.Millisecond })
	if _, err := f.Decide(&sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("u")}); !errors.Is(err, sequencer.ErrNoLeader) || errors.Is(err, sequencer.ErrOutcomeUnknown) {
		t.Fatalf("answered %v", err)
	}
	eventually(t, "refusals at once", func() bool {
		began := time.Now()
		_, err := f.Decide(&sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte("u")})
		return errors.Is(err, sequencer.ErrNoLeader) && time.Since(began) < 20*time.Millisecond
	})
	l := startLeader(t)
	f.client.directory.SetAddresses([]string{l.node.Address()})
	tries := 0
	eventually(t, "a decision", func() bool {
		tries++ // one whose outcome stayed unknown may have its tickets
		r, err := f.Decide(l.buy(fmt.Sprint("late ", tries)))
		return err == nil && r.State == sequencer.StateReserved
	})
}

// A full queue refuses at once, and what is in it is decided.
func TestQueueIsBounded(t *testing.T) {
	l := startLeader(t)
	f := frontEndAt(t, l.node.Address(), func(c *ClientConfig) { c.QueueRequestsMax, c.BatchRequestsMax = 4, 2 })
	var group sync.WaitGroup
	var decided, refused atomic.Int64
	for i := range 300 {
		group.Go(func() {
			switch r, err := f.Decide(l.buy(fmt.Sprint(i))); {
			case err == nil && r.State == sequencer.StateReserved:
				decided.Add(1)
			case errors.Is(err, sequencer.ErrOverloaded):
				refused.Add(1)
			default:
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	group.Wait()
	if view, _ := l.node.SaleByID("gig"); int64(view.Held) != decided.Load() || decided.Load()+refused.Load() != 300 || refused.Load() == 0 {
		t.Fatalf("%d decided, %d refused, %d held", decided.Load(), refused.Load(), view.Held)
	}
}

// Strangers get nothing: garbage, a foreign cluster, frames that are too long.
func TestStrangers(t *testing.T) {
	l := startLeader(t)
	before := l.node.Status()
	send := func(data []byte) {
		conn, err := net.Dial("tcp", l.node.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write(data)
		conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		answer := make([]byte, 100)
		n, _ := conn.Read(answer)
		if n > 0 && string(answer[:4]) != "ONSP" {
			t.Errorf("%.20q was answered %q", data, answer[:n])
		}
	}
	send([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	send(make([]byte, 1000))
	config := peer.DefaultConfig()
	config.ID, config.Cluster = "n9", func() (peer.Lineage, uint8) { return peer.Lineage{{9}}, 0 }
	if _, err := peer.Dial(context.Background(), &config, l.node.Address(), peer.Raft, ""); !errors.Is(err, peer.ErrOtherCluster) {
		t.Errorf("a node of another cluster: %v", err)
	}
	config.Cluster = func() (peer.Lineage, uint8) { return nil, 0 }
	if _, err := peer.Dial(context.Background(), &config, l.node.Address(), peer.Raft, ""); !errors.Is(err, peer.ErrRefused) {
		t.Errorf("raft without a cluster: %v", err)
	}
	if _, err := peer.Dial(context.Background(), &config, l.node.Address(), peer.Forward, "n7"); !errors.Is(err, peer.ErrOtherNode) {
		t.Errorf("another node was wanted: %v", err)
	}
	conn, err := peer.Dial(context.Background(), &config, l.node.Address(), peer.Forward, "n1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	long := make([]byte, frameHeaderBytes)
	putFrameHeader(long, kindBatch, 0, 1)
	long[3] = 0x7f // two thousand million bytes are to come
	conn.Write(long)
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("an oversized frame was not the end of its connection")
	}
	if after := l.node.Status(); after.Term != before.Term || after.LastIndex != before.LastIndex {
		t.Errorf("strangers moved the node from %+v to %+v", before, after)
	}
}
