package payments

import (
	"context"
	"sync"
	"testing"
	"time"

	"onsale/cluster/forward"
	"onsale/payment"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// coordinator is one that answers as a test says, and notes what it was asked.
type coordinator struct {
	mu     sync.Mutex
	leader error // nil while its node leads
	pay    func(ctx context.Context, r payment.Request) (payment.Answer, error)
	notice error
	asked  []payment.Request
	told   []string // webhooks
}

// Leader and CatchUp make it its node's Replica as well.
func (c *coordinator) Leader() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}

func (c *coordinator) CatchUp(context.Context) error { return c.Leader() }

func (c *coordinator) Pay(ctx context.Context, r payment.Request) (payment.Answer, error) {
	if err := c.Leader(); err != nil {
		return payment.Answer{}, err
	}
	c.mu.Lock()
	c.asked = append(c.asked, r)
	c.mu.Unlock()
	return c.pay(ctx, r)
}

// Place is by the order: the first ones do not wait.
func (c *coordinator) Place(order uint64) *payment.Place {
	if order < 10 {
		return nil
	}
	return &payment.Place{Place: int(order), Wait: time.Duration(order) * time.Second}
}

func (c *coordinator) Notice(provider, signature string, body []byte) error {
	if err := c.Leader(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, provider+" "+signature+" "+string(body))
	return c.notice
}

func (c *coordinator) Unsettled(sale uint16) int { return int(sale) * 2 }

func (c *coordinator) Reconcile(context.Context) (*payment.Reconciliation, error) {
	return &payment.Reconciliation{Provider: "fake"}, nil
}

func (c *coordinator) Disputes(ctx context.Context, caughtUp func(context.Context) error) (*payment.Disputes, error) {
	return &payment.Disputes{}, caughtUp(ctx)
}

func (c *coordinator) Orphans(ctx context.Context, caughtUp func(context.Context) error) (*payment.Orphans, error) {
	return &payment.Orphans{Provider: "fake"}, caughtUp(ctx)
}

func (c *coordinator) RefundOrphan(ctx context.Context, r payment.RefundRequest, caughtUp func(context.Context) error) (*payment.OrphanRefund, error) {
	return &payment.OrphanRefund{Key: r.Key, Reason: r.Reason, Actor: r.Actor}, caughtUp(ctx)
}

func (c *coordinator) requests() []payment.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]payment.Request(nil), c.asked...)
}

// accepts is a coordinator whose every payment has an outcome.
func accepts() *coordinator {
	return &coordinator{pay: func(_ context.Context, r payment.Request) (payment.Answer, error) {
		return payment.Answer{State: sequencer.StatePaid, Attempt: 1, Seq: r.Order + 1}, nil
	}}
}

// elsewhere is a coordinator of a node that does not lead, and says who does.
func elsewhere(leader string) *coordinator {
	c := accepts()
	c.leader = &sequencer.NotLeaderError{LeaderID: "n2", LeaderAddress: leader}
	return c
}

// still is a node on which nothing happens.
type still struct{ forward.Node }

func (still) WaitChanges(ctx context.Context, _ uint64) { <-ctx.Done() }

func (still) Changes(uint64) (orders []uint64, upTo uint64, complete bool) { return nil, 0, true }

// served is a node that other processes reach.
type served struct {
	address string
	server  *forward.Server

	mu   sync.Mutex
	from []peer.Identity // who asked for payments
}

// serve starts a node that answers with a forwarder.
func serve(t *testing.T, id string, f *Forwarder) *served {
	config := peer.DefaultConfig()
	config.ID = id
	listener, err := peer.Listen("127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	client := forward.NewClient(forward.DefaultClientConfig(), &config, forward.NewDirectory(nil), nil, forward.Limits{})
	replica := forward.NewReplica(still{}, client)
	s := &served{address: listener.Addr().String()}
	s.server = forward.NewServer(forward.DefaultServerConfig(forward.Limits{}), still{}, replica, nil, noting{s, f})
	var running sync.WaitGroup
	running.Go(func() { listener.Serve() })
	running.Go(func() { s.server.Serve(listener.Service(peer.Forward)) })
	t.Cleanup(func() {
		listener.Close()
		s.server.Close()
		replica.Close()
		running.Wait()
	})
	return s
}

// noting notes who asks.
type noting struct {
	at *served
	*Forwarder
}

func (n noting) Payment(ctx context.Context, from peer.Identity, verb byte, body []byte) ([]byte, error) {
	n.at.mu.Lock()
	n.at.from = append(n.at.from, from)
	n.at.mu.Unlock()
	return n.Forwarder.Payment(ctx, from, verb, body)
}

// linksTo returns the links of a front-end that knows some addresses.
func linksTo(t *testing.T, addresses ...string) *forward.Links {
	config := peer.DefaultConfig()
	config.ID, config.Role = "f1", peer.FrontEnd
	l := forward.NewLinks(&config, forward.NewDirectory(addresses))
	t.Cleanup(l.Close)
	return l
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
