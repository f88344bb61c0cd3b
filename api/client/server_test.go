package client_test

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api"
	"onsale/api/auth"
	"onsale/api/client"
	"onsale/sequencer"
)

// rules is a backend that decides at once, by the real rules, and forgets all when the
// process ends. The examples need no more than its methods.
type rules struct {
	api.Backend
	mu    sync.Mutex
	state *sequencer.State
}

func (r *rules) Decide(c *sequencer.Command) (sequencer.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var decisions sequencer.Decisions
	r.state.Apply(&sequencer.Batch{Time: time.Now().UnixNano(), Commands: []sequencer.Command{*c}}, &decisions)
	return decisions.Results[0], nil
}

func (r *rules) Sales() []sequencer.SaleView {
	r.mu.Lock()
	defer r.mu.Unlock()
	views := make([]sequencer.SaleView, r.state.SaleCount())
	for i := range views {
		views[i], _ = r.state.Sale(uint16(i + 1))
	}
	return views
}

func (r *rules) SaleByID(id string) (*sequencer.SaleView, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	number, known := r.state.SaleNumber(id)
	if !known {
		return nil, false
	}
	view, _ := r.state.Sale(number)
	return &view, true
}

func (r *rules) Order(_ context.Context, seq, _ uint64) (sequencer.OrderView, sequencer.AsOf, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	view, found := r.state.Order(seq)
	return view, r.state.AsOf(), found, nil
}

func (r *rules) AppliedSeq() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Seq()
}

func (r *rules) AppliedPosition() sequencer.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Position()
}

func (r *rules) OrdersIn(_ context.Context, q *sequencer.OrderQuery, _ uint64) ([]sequencer.OrderView, uint64, sequencer.AsOf, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	views, next := r.state.OrdersIn(q)
	return views, next, r.state.AsOf(), nil
}

func (r *rules) DecideAs(_ []byte, c *sequencer.Command) (sequencer.Result, error) {
	return r.Decide(c)
}

func (r *rules) WaitApplied(context.Context, uint64) error { return nil }
func (r *rules) CatchUp(context.Context) error             { return nil }
func (r *rules) Load() float64                             { return 0 }

// office is a box office on this machine, for the examples.
type office struct{ buyers, sellers net.Addr }

var secret = []byte("a secret of the examples, not for use")

// open starts an office, which lasts until the process ends.
func open() *office {
	config := auth.DefaultConfig()
	config.Secrets = [][]byte{secret}
	tokens, err := auth.NewVerifier(config)
	check(err)
	backend, metrics := &rules{state: sequencer.New()}, api.NewMetrics(tokens)
	public, err := api.NewPublic(api.DefaultConfig(), api.OneCluster(0, backend), tokens, metrics)
	check(err)
	private, err := api.NewPrivate(api.DefaultConfig(), backend, func() uint8 { return 0 }, tokens, metrics,
		api.Operations{Metrics: prometheus.NewRegistry()})
	check(err)
	return &office{buyers: serve(public.Serve), sellers: serve(private.Serve)}
}

func serve(serve func(net.Listener) error) net.Addr {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(serve(listener)) }()
	return listener.Addr()
}

// buyer returns a client with a buyer's token.
func (o *office) buyer(user string) *client.Client {
	c, err := client.New(client.Config{Address: o.buyers.String(), Token: token(user, auth.RoleBuyer)})
	check(err)
	return c
}

// seller returns a client with a seller's token.
func (o *office) seller() *client.Seller {
	s, err := client.NewSeller(client.Config{Address: o.sellers.String(), Token: token("box-office", auth.RoleSeller)})
	check(err)
	return s
}

func token(user string, roles auth.Roles) string {
	now := time.Now()
	text, err := auth.Issue(secret, auth.Claims{User: user, Roles: roles, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour)})
	check(err)
	return text
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
