package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"

	"onsale/api/contract"
	"onsale/cluster/forward"
	"onsale/sequencer"
)

// FailoverOptions says how often to kill the leader, and under how many buyers.
type FailoverOptions struct {
	Setup
	Kills  int
	Buyers int // who buy at once, one after the other each, through one front-end
	// Vanish lets the leader stop without a word, as a machine that dies does: its ports
	// refuse nothing. Else its process is killed.
	Vanish bool
}

// DefaultFailoverOptions is T9's.
func DefaultFailoverOptions() FailoverOptions {
	return FailoverOptions{Setup: Setup{Nodes: 3, Log: io.Discard}, Kills: 100, Buyers: 64}
}

// FailoverReport is what the kills came to. Each time is from the kill -9 of the leader, or
// from when it vanished, to the first decision of a buy that was sent after it.
type FailoverReport struct {
	Machine  string             `json:"machine"`
	Nodes    int                `json:"nodes"`
	Kills    int                `json:"kills"`
	Millis   map[string]float64 `json:"failover_ms"`
	Decided  uint64             `json:"decided"`
	NotTaken uint64             `json:"not_taken"` // answered no-leader or overloaded: sent again
	Unknown  uint64             `json:"outcome_unknown"`
	Lost     uint64             `json:"lost"` // told, and not there at the end; must be 0
	Ending
}

// Exact returns nil when no order that was told is lost, and every audit is clean.
func (r *FailoverReport) Exact() error {
	if r.Lost > 0 {
		return fmt.Errorf("%w: %d told orders are lost", errInexact, r.Lost)
	}
	return r.Ending.Exact()
}

// RunFailover kills leaders of a temporary cluster. It leaves no process behind.
func RunFailover(ctx context.Context, o FailoverOptions) (*FailoverReport, error) {
	if o.Kills < 1 || o.Buyers < 1 {
		return nil, fmt.Errorf("%w: at least one kill and one buyer", ErrOptions)
	}
	if err := o.check(3); err != nil {
		return nil, err
	}
	r := &FailoverReport{Machine: machine(), Nodes: o.Nodes}
	return r, o.run(ctx, 0, &r.Ending, func(c *cluster) error { return o.drill(ctx, c, r) })
}

// drill is the buyers and what they were told.
type drill struct {
	remote  *forward.Remote
	killed  atomic.Pointer[time.Time] // when the leader was killed; nil when a decision came since
	resumed chan time.Duration

	decided, notTaken, unknown atomic.Uint64
	mu                         sync.Mutex
	told                       map[uint64]string // order → user
}

func (o *FailoverOptions) drill(ctx context.Context, c *cluster, r *FailoverReport) error {
	if _, _, err := c.createSale(ctx, contract.NewSale{ID: "drill", Quantity: 1 << 30}); err != nil {
		return err
	}
	config := forward.DefaultClientConfig()
	door := forward.NewClient(config, c.peerConfig("f1"), forward.NewDirectory(c.peers()), nil, forward.Limits{})
	d := &drill{remote: forward.NewRemote(door, config.Logger), resumed: make(chan time.Duration, 1), told: map[uint64]string{}}
	defer func() { _ = d.remote.Close() }() // everybody has been answered
	buying, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	for b := range o.Buyers {
		group.Go(func() { d.buy(buying, b) })
	}
	times := newLatency()
	err := d.kill(ctx, o, c, times)
	stop()
	group.Wait()
	r.Kills, r.Millis = int(times.TotalCount()), millis(times)
	r.Decided, r.NotTaken, r.Unknown = d.decided.Load(), d.notTaken.Load(), d.unknown.Load()
	if err == nil {
		r.Lost, err = d.lost(ctx)
	}
	return err
}

// buy buys again and again, each time as somebody else.
func (d *drill) buy(ctx context.Context, b int) {
	for i := 0; ctx.Err() == nil; i++ {
		user := strconv.Itoa(b) + "-" + strconv.Itoa(i)
		sent := time.Now()
		buy := &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: []byte(user), Key: sequencer.DigestKey([]byte(user), []byte("k"))}
		r, err := d.remote.Decide(buy)
		switch {
		case err == nil:
			d.decided.Add(1)
			killed := d.killed.Load() // a buy that was sent after the newest kill ends its clock
			if killed != nil && sent.After(*killed) && d.killed.CompareAndSwap(killed, nil) {
				d.resumed <- time.Since(*killed)
			}
			d.mu.Lock()
			d.told[r.Order] = user
			d.mu.Unlock()
		case errors.Is(err, sequencer.ErrOutcomeUnknown):
			d.unknown.Add(1)
		default:
			d.notTaken.Add(1)
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func (d *drill) kill(ctx context.Context, o *FailoverOptions, c *cluster, times *hdrhistogram.Histogram) error {
	signal := syscall.SIGKILL
	if o.Vanish {
		signal = syscall.SIGSTOP
	}
	for i := range o.Kills {
		leader, err := c.leader(ctx)
		if err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // some load between the kills
		if err := leader.process.Signal(signal); err != nil {
			return err
		}
		now := time.Now()
		d.killed.Store(&now)
		if !o.Vanish {
			leader.process.Kill() // it waits for its end
		}
		select {
		case took := <-d.resumed:
			record(times, took)
			fmt.Fprintf(o.Log, "%s of %s: decided again after %v\n", now.Format("15:04:05.000"), leader.id, took.Round(time.Millisecond))
		case <-time.After(time.Minute):
			return fmt.Errorf("no decision within a minute after kill %d", i+1)
		}
		leader.process.Kill()
		if err := c.start(leader); err != nil {
			return err
		}
		if err := c.catchUp(ctx, leader); err != nil {
			return err
		}
	}
	return nil
}

// catchUp waits until a node that was started again has come close to the leader.
func (c *cluster) catchUp(ctx context.Context, back *node) error {
	done := until(ctx, 30*time.Second, 20*time.Millisecond, func() bool {
		leader, err := c.leader(ctx)
		if err != nil {
			return false
		}
		there, err := leader.status(ctx)
		s, backErr := back.status(ctx)
		return err == nil && backErr == nil && s.Seq >= there.Seq
	})
	if !done {
		return fmt.Errorf("node %s did not come back within 30 s%s", back.id, c.lastLogs())
	}
	return nil
}

// lost counts the orders that were told and are not there.
func (d *drill) lost(ctx context.Context) (uint64, error) {
	var lost atomic.Uint64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(256)
	for order, user := range d.told {
		group.Go(func() error {
			view, _, found, err := d.remote.Order(ctx, order, order)
			if err == nil && (!found || view.User != user) {
				lost.Add(1)
			}
			return err
		})
	}
	err := group.Wait()
	return lost.Load(), err
}
