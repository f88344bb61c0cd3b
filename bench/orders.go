package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"onsale/api/client"
	"onsale/api/contract"
)

// OrdersOptions says how many orders sellers look through while buyers come.
type OrdersOptions struct {
	Setup
	Orders uint64        // that there are
	Rate   int           // buys a second, which are refused: the sale is sold out
	Over   time.Duration // of each half of a round
	Rounds int
}

// DefaultOrdersOptions is a hall's sale, and a crowd that still comes.
func DefaultOrdersOptions() OrdersOptions {
	return OrdersOptions{Setup: Setup{Nodes: 3, Log: io.Discard}, Orders: 100_000, Rate: 20_000, Over: 10 * time.Second, Rounds: 5}
}

// OrdersReport is what the looking cost those who buy. Latencies of decisions run from the instant
// at which a buy was to arrive, at front-ends in this process.
type OrdersReport struct {
	Machine string        `json:"machine"`
	Nodes   int           `json:"nodes"`
	Orders  uint64        `json:"orders"`
	Rate    int           `json:"rate"`
	Rounds  []OrdersRound `json:"rounds"`
	// Medians of the rounds.
	AloneP99 float64 `json:"alone_p99_ms"`
	WithP99  float64 `json:"with_sellers_p99_ms"`
	Ratio    float64 `json:"ratio"`
	// LockMillis is the longest that the leader's state was locked by who reads it, since its
	// start and until sellers came, LockWithMillis until the end.
	LockMillis     float64 `json:"lock_longest_before_ms"`
	LockWithMillis float64 `json:"lock_longest_ms"`
	// WorkMillis is the longest processor time of one such reading, until the end.
	WorkMillis float64 `json:"lock_longest_cpu_ms"`
	Ending
}

// OrdersRound is one in which buyers came alone, and together with sellers.
type OrdersRound struct {
	Alone map[string]float64 `json:"alone_ms"`
	With  map[string]float64 `json:"with_sellers_ms"`
	Work  OfficeWork         `json:"sellers"`
}

// lockMax is for how long one page may work while it keeps batches away. The time for which the lock
// was kept has what the machine took the processor away for, which no page is to blame for.
const lockMax = time.Millisecond

// Exact returns nil when no reader worked under the state's lock for longer than a page may, and
// every audit is clean.
func (r *OrdersReport) Exact() error {
	if r.WorkMillis > lockMax.Seconds()*1000 {
		return fmt.Errorf("%w: a reader worked under the state's lock for %.2f ms, allowed is %v", errMissed, r.WorkMillis, lockMax)
	}
	return r.Ending.Exact()
}

// RunOrders starts nodes, sells a sale out, and goes on with a crowd that comes in vain, alone and
// beside sellers who list, export and search, in turns. It leaves no process behind.
func RunOrders(ctx context.Context, o OrdersOptions) (*OrdersReport, error) {
	if o.Orders < 1 || o.Orders > 10_000_000 || o.Rate < 1 || o.Over <= 0 || o.Rounds < 1 {
		return nil, fmt.Errorf("%w: 1 to 10,000,000 orders, at least one buy a second and one round, a positive time", ErrOptions)
	}
	if err := o.check(1); err != nil {
		return nil, err
	}
	r := &OrdersReport{Machine: machine(), Nodes: o.Nodes, Orders: o.Orders, Rate: o.Rate}
	return r, o.run(ctx, 0, &r.Ending, func(c *cluster) error { return o.look(ctx, c, r) })
}

// ordersDoors are front-ends, among which the buyers are shared out.
const ordersDoors = 2

// saleOfOrders is the sale's id.
const saleOfOrders = "orders"

func (o *OrdersOptions) look(ctx context.Context, c *cluster, r *OrdersReport) error {
	leader, seller, err := c.createSale(ctx, contract.NewSale{ID: saleOfOrders, Quantity: uint32(o.Orders)})
	if err != nil {
		return err
	}
	doors := openDoors(c, leader, ordersDoors)
	defer doors.close()
	fmt.Fprintf(o.Log, "selling %d tickets, one an order\n", o.Orders)
	doors.let(ctx, &crowd{requests: o.Orders, rate: 50_000, prefix: "buyer-", referred: true})
	if _, err := doors.told(); err != nil {
		return err
	}
	if r.LockMillis, _, err = leader.readLock(ctx); err != nil {
		return err
	}
	for round := range o.Rounds {
		if err := o.round(ctx, doors, seller, round, r); err != nil {
			return err
		}
	}
	r.AloneP99 = medianOf(r.Rounds, func(is *OrdersRound) float64 { return is.Alone["p99"] })
	r.WithP99 = medianOf(r.Rounds, func(is *OrdersRound) float64 { return is.With["p99"] })
	r.Ratio = r.WithP99 / max(r.AloneP99, 0.001)
	r.LockWithMillis, r.WorkMillis, err = leader.readLock(ctx)
	return err
}

// round lets the crowd come twice; who comes first, the crowd alone or with the sellers, changes
// from round to round.
func (o *OrdersOptions) round(ctx context.Context, doors doors, seller *client.Seller, round int, r *OrdersReport) error {
	var is OrdersRound
	for half := range 2 {
		office := &office{seller: seller, orders: o.Orders}
		together := half != round%2
		if together {
			office.open(ctx)
		}
		doors.let(ctx, &crowd{requests: uint64(float64(o.Rate) * o.Over.Seconds()), rate: float64(o.Rate), prefix: fmt.Sprintf("late-%d-%d-", round, half)})
		work, officeErr := office.close()
		latency, err := doors.told()
		if err := errors.Join(err, officeErr); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		if together {
			is.With, is.Work = millis(latency), work
		} else {
			is.Alone = millis(latency)
		}
	}
	fmt.Fprintf(o.Log, "round %d: p99 %.2f ms alone, %.2f ms beside %d pages of orders, %d whole exports and %d searches\n",
		round+1, is.Alone["p99"], is.With["p99"], is.Work.Pages, is.Work.Exports, is.Work.Searches)
	r.Rounds = append(r.Rounds, is)
	return ctx.Err()
}

// told takes what the doors have measured since it was called last; an error when somebody was
// not decided.
func (all doors) told() (*hdrhistogram.Histogram, error) {
	latency, failed := newLatency(), map[string]uint64{}
	for _, d := range all {
		d.mu.Lock()
		latency.Merge(d.latency)
		for what, n := range d.errors {
			failed[what] += n
		}
		d.latency = newLatency()
		d.mu.Unlock()
	}
	if len(failed) > 0 {
		return nil, fmt.Errorf("%w: not decided: %v", errMissed, failed)
	}
	return latency, nil
}

// readLock returns the longest that the node's state was locked by who reads it, and the longest
// processor time of one such reading, milliseconds.
func (n *node) readLock(ctx context.Context) (locked, work float64, err error) {
	numbers, err := n.metrics(ctx)
	return numbers[`onsale_state_lock_longest_seconds{by="read"}`] * 1000, numbers["onsale_state_read_longest_cpu_seconds"] * 1000, err
}

func medianOf(rounds []OrdersRound, of func(*OrdersRound) float64) float64 {
	var all []float64
	for i := range rounds {
		all = append(all, of(&rounds[i]))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
