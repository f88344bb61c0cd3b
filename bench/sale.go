package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Hold        time.Duration // 0 for the default
	Connections int           // keep-alive, one request at a time each
	RetryMax    time.Duration
	Progress    Progress
	Log         io.Writer // what is being done
}

// DefaultSaleOptions is the mission's size, a tenth of its buyers.
func DefaultSaleOptions() SaleOptions {
	return SaleOptions{Nodes: 1, Buyers: 1_000_000, Tickets: 100_000, Quantity: 1, Connections: 512,
		RetryMax: 30 * time.Second, Log: io.Discard}
}

// ErrOptions is returned when an option breaks its bound.
var ErrOptions = errors.New("bad bench options")

// Validate returns ErrOptions when an option breaks its bound.
func (o *SaleOptions) Validate() error {
	switch {
	case o.Nodes < 1 || o.Nodes > 9:
		return fmt.Errorf("%w: %d nodes, allowed are 1 to 9", ErrOptions, o.Nodes)
	case o.Buyers < 1 || o.Tickets < 1 || o.Connections < 1 || o.Connections > connectionsMax:
		return fmt.Errorf("%w: at least one buyer, one ticket and one connection, at most %d connections", ErrOptions,
			connectionsMax)
	case o.Quantity < 1 || o.Quantity > 2:
		return fmt.Errorf("%w: quantity is %d, allowed is 1 or 2", ErrOptions, o.Quantity)
	}
	return nil
}

// RunSale starts a temporary cluster, sells, checks the books and returns what was measured.
// It leaves no process behind.
func RunSale(ctx context.Context, o SaleOptions) (r *Report, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	secret := randomSecret()
	options := clusterOptions{program: o.Program, parent: o.DataParent, nodes: o.Nodes, secret: secret}
	audits, err := onCluster(ctx, options, o.Log, func(c *cluster) error {
		r, err = o.sell(ctx, c, secret)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Audits = audits
	return r, nil
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
	leader, seller, err := c.createSale(ctx, id, o)
	if err != nil {
		return nil, err
	}
	before, err := observe(ctx, c, leader)
	if err != nil {
		return nil, err
	}
	l := &load{secret: secret, sale: id, quantity: o.Quantity, buyers: o.Buyers, connections: o.Connections,
		retryMax: o.RetryMax, target: c.buyersAddress, progress: o.Progress}
	fmt.Fprintf(o.Log, "selling %d tickets to %d buyers over %d connections\n", o.Tickets, o.Buyers, o.Connections)
	m, err := l.run(ctx)
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
	r.Replicas, err = c.converge(ctx)
	return r, err
}

// createSale creates a sale with the options' tickets and waiting list at the leader,
// following it when it changes.
func (c *cluster) createSale(ctx context.Context, id string, o *SaleOptions) (*node, *client.Seller, error) {
	capacity := uint8(ShopCap)
	sale := contract.NewSale{ID: id, Item: "bench", Quantity: o.Tickets, Cap: &capacity, Waitlist: o.Waitlist,
		Price: new(int64(5000)), Currency: "EUR"}
	if o.Hold > 0 {
		hold := contract.Duration(o.Hold)
		sale.Hold = &hold
	}
	for deadline := time.Now().Add(electionMax); ; {
		leader, err := c.leader(ctx)
		if err != nil {
			return nil, nil, err
		}
		seller, err := client.NewSeller(client.Config{Address: leader.private, Token: leader.token})
		if err != nil {
			return nil, nil, err
		}
		_, err = seller.CreateSale(ctx, sale)
		if err == nil {
			return leader, seller, nil
		}
		if !errors.Is(err, sequencer.ErrNoLeader) || time.Now().After(deadline) {
			return nil, nil, fmt.Errorf("create sale %s: %w", id, err)
		}
	}
}

// observation is what the servers and this process have used so far.
type observation struct {
	metrics     map[string]float64
	used        usage         // of all nodes
	leaderCPU   time.Duration // of used
	leaderBytes int64         // most resident memory
}

func observe(ctx context.Context, c *cluster, leader *node) (*observation, error) {
	metrics, err := leader.metrics(ctx)
	pid := leader.process.PID()
	return &observation{metrics, usageOf(c.processes()), cpu(pid), memory(pid)}, err
}
