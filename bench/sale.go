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
	Setup
	Buyers      uint64 // distinct, each with a token of their own
	Tickets     uint32
	Connections int // keep-alive, one request at a time each
	Progress    Progress
}

// DefaultSaleOptions is the mission's size, a tenth of its buyers.
func DefaultSaleOptions() SaleOptions {
	return SaleOptions{Setup: Setup{Nodes: 1, Log: io.Discard}, Buyers: 1_000_000, Tickets: 100_000, Connections: 512}
}

// Validate returns ErrOptions when an option breaks its bound.
func (o *SaleOptions) Validate() error {
	if o.Buyers < 1 || o.Tickets < 1 || o.Connections < 1 || o.Connections > connectionsMax {
		return fmt.Errorf("%w: at least one buyer, one ticket and one connection, at most %d connections", ErrOptions,
			connectionsMax)
	}
	return o.check(1)
}

// RunSale starts a temporary cluster, sells, checks the books and returns what was measured.
// It leaves no process behind.
func RunSale(ctx context.Context, o SaleOptions) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := &Report{}
	return r, o.run(ctx, 0, &r.Ending, func(c *cluster) error { return o.sell(ctx, c, r) })
}

// operatorToken is for the private listeners.
func operatorToken(secret []byte) (string, error) {
	now, defaults := time.Now(), auth.DefaultConfig()
	return auth.Issue(secret, auth.Claims{User: "bench", Roles: auth.RoleSeller | auth.RoleOperator,
		Issuer: defaults.Issuer, Audience: defaults.Audience, Issued: now, Expires: now.Add(tokenLifetime)})
}

// sell creates the sale, lets the buyers in and gathers the numbers.
func (o *SaleOptions) sell(ctx context.Context, c *cluster, r *Report) error {
	id := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	leader, seller, err := c.createSale(ctx, contract.NewSale{ID: id, Quantity: o.Tickets})
	if err != nil {
		return err
	}
	before, err := observe(ctx, c, leader)
	if err != nil {
		return err
	}
	l := &load{LoadOptions: LoadOptions{Secret: c.secret, Sale: id, Quantity: 1, Requests: o.Buyers, Connections: o.Connections,
		RetryMax: 30 * time.Second, Progress: o.Progress}, target: c.buyersAddress}
	fmt.Fprintf(o.Log, "selling %d tickets to %d buyers over %d connections\n", o.Tickets, o.Buyers, o.Connections)
	m, err := l.run(ctx)
	if err != nil {
		return err
	}
	after, err := observe(ctx, c, leader)
	if err != nil {
		return err
	}
	detail, err := seller.Sale(ctx, id)
	if err == nil {
		r.fill(o, m, before, after, detail)
	}
	return err
}

// createSale creates a sale at the leader, following it when it changes.
func (c *cluster) createSale(ctx context.Context, sale contract.NewSale) (*node, *client.Seller, error) {
	sale.Item, sale.Cap, sale.Price, sale.Currency = "bench", new(uint8(ShopCap)), new(int64(5000)), "EUR"
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
			return nil, nil, fmt.Errorf("create sale %s: %w", sale.ID, err)
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
