package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

// SaleOptions says which sale to run.
type SaleOptions struct {
	Program     string // the onsale binary whose nodes are started
	DataParent  string // where the temporary data goes; "" is the system's folder
	Nodes       int    // 1 or more, on this machine
	Buyers      uint64 // distinct, each with a token of their own
	Tickets     uint32
	Quantity    int // tickets that each asks for
	Waitlist    uint32
	Connections int // keep-alive, one request at a time each
	RetryMax    time.Duration
	Keep        bool // leaves the data behind, for inspection
	// Address and Private reach a server that runs already, instead of
	// starting one; Secret is then its token secret.
	Address, Private string
	Secret           []byte
	Progress         Progress
	Log              io.Writer // what is being done
}

// DefaultSaleOptions is the mission's size, a tenth of its buyers.
func DefaultSaleOptions() SaleOptions {
	return SaleOptions{Nodes: 1, Buyers: 1_000_000, Tickets: 100_000, Quantity: 1, Connections: 512, RetryMax: 30 * time.Second,
		Log: io.Discard}
}

// ErrOptions is returned when an option breaks its bound.
var ErrOptions = errors.New("bad bench options")

// Validate returns ErrOptions when an option breaks its bound.
func (o *SaleOptions) Validate() error {
	switch {
	case o.Nodes < 1 || o.Nodes > 9:
		return fmt.Errorf("%w: %d nodes, allowed are 1 to 9", ErrOptions, o.Nodes)
	case o.Buyers < 1 || o.Tickets < 1 || o.Connections < 1 || o.Connections > 20_000:
		return fmt.Errorf("%w: at least one buyer, one ticket and one connection, at most 20000 connections", ErrOptions)
	case o.Quantity < 1 || o.Quantity > 2:
		return fmt.Errorf("%w: quantity is %d, allowed is 1 or 2", ErrOptions, o.Quantity)
	case o.Address != "" && (o.Private == "" || len(o.Secret) == 0):
		return fmt.Errorf("%w: a server that runs already needs its private address and secret too", ErrOptions)
	}
	return nil
}

// RunSale starts a temporary cluster (or uses a server that runs), sells, checks
// the books and returns what was measured. It leaves no process behind.
func RunSale(ctx context.Context, o SaleOptions) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c, secret, err := o.servers(ctx)
	if err != nil {
		return nil, err
	}
	report, err := o.sell(ctx, c, secret)
	if c.dir == "" {
		return report, err
	}
	err = errors.Join(err, c.terminate())
	if err == nil {
		report.Audits, err = c.audit(o.Log)
	}
	if o.Keep {
		fmt.Fprintln(o.Log, "data kept in", c.dir)
		return report, err
	}
	return report, errors.Join(err, os.RemoveAll(c.dir))
}

// servers returns the cluster that sells.
func (o *SaleOptions) servers(ctx context.Context) (*cluster, []byte, error) {
	if o.Address != "" {
		token, err := operatorToken(o.Secret)
		return &cluster{nodes: []*node{{id: "server", http: o.Address, private: o.Private, token: token}}}, o.Secret, err
	}
	secret := randomSecret()
	fmt.Fprintf(o.Log, "starting %d node(s)\n", o.Nodes)
	c, err := startCluster(ctx, o.Program, o.DataParent, o.Nodes, secret)
	return c, secret, err
}

// operatorToken is for the private listeners.
func operatorToken(secret []byte) (string, error) {
	now, defaults := time.Now(), auth.DefaultConfig()
	return auth.Issue(secret, auth.Claims{User: "bench", Roles: auth.RoleSeller | auth.RoleOperator,
		Issuer: defaults.Issuer, Audience: defaults.Audience, Issued: now, Expires: now.Add(tokenLifetime)})
}

// sell creates the sale, lets the buyers in and gathers the numbers.
func (o *SaleOptions) sell(ctx context.Context, c *cluster, secret []byte) (*Report, error) {
	id := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	leader, seller, err := o.createSale(ctx, c, id)
	if err != nil {
		return nil, fmt.Errorf("create the sale: %w", err)
	}
	before, err := observe(ctx, c, leader)
	if err != nil {
		return nil, err
	}
	l := &load{secret: secret, sale: id, quantity: o.Quantity, buyers: o.Buyers, connections: o.Connections, retryMax: o.RetryMax,
		parts: newParts(o.Buyers, leader.resident),
		target: func(ctx context.Context) (string, error) {
			n, err := c.leaderOrOnly(ctx)
			if err != nil {
				return "", err
			}
			return n.http, nil
		}}
	fmt.Fprintf(o.Log, "selling %d tickets to %d buyers over %d connections\n", o.Tickets, o.Buyers, o.Connections)
	m, err := l.watched(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	after, err := observe(ctx, c, leader)
	if err != nil {
		return nil, err
	}
	detail, err := seller.Sale(ctx, id)
	if err != nil {
		return nil, err
	}
	r := newReport(o, m, before, after, detail)
	r.Parts = l.parts.report(o.Buyers, m.elapsed[0]+m.elapsed[1])
	r.Replicas, err = c.converge(ctx)
	return r, err
}

// createSale creates the sale at the leader, following it when it changes.
func (o *SaleOptions) createSale(ctx context.Context, c *cluster, id string) (*node, *client.Seller, error) {
	capacity := uint8(2)
	for deadline := time.Now().Add(o.RetryMax); ; {
		leader, err := c.leaderOrOnly(ctx)
		if err != nil {
			return nil, nil, err
		}
		seller, err := client.NewSeller(client.Config{Address: leader.private, Token: leader.token})
		if err != nil {
			return nil, nil, err
		}
		_, err = seller.CreateSale(ctx, contract.NewSale{ID: id, Item: "bench", Quantity: o.Tickets, Cap: &capacity, Waitlist: o.Waitlist, Price: 5000, Currency: "EUR"})
		if !errors.Is(err, sequencer.ErrNoLeader) || time.Now().After(deadline) {
			return leader, seller, err
		}
	}
}

// leaderOrOnly spares the only node the question.
func (c *cluster) leaderOrOnly(ctx context.Context) (*node, error) {
	if len(c.nodes) == 1 && c.dir == "" {
		return c.nodes[0], nil
	}
	return c.leader(ctx)
}

// observation is what the servers and this process have used so far.
type observation struct {
	at          time.Time
	metrics     map[string]float64
	serverCPU   time.Duration // all nodes
	leaderCPU   time.Duration
	leaderBytes int64 // most resident memory
	loadCPU     time.Duration
}

func observe(ctx context.Context, c *cluster, leader *node) (*observation, error) {
	metrics, err := leader.metrics(ctx)
	if err != nil {
		return nil, err
	}
	ob := &observation{at: time.Now(), metrics: metrics, loadCPU: cpu(os.Getpid())}
	for _, n := range c.nodes {
		if n.process == nil {
			continue
		}
		used := cpu(n.process.PID())
		ob.serverCPU += used
		if n == leader {
			ob.leaderCPU, ob.leaderBytes = used, memory(n.process.PID())
		}
	}
	return ob, nil
}
