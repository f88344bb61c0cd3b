package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// RushOptions says which rush to run: requests that arrive at front-ends at times
// that were fixed before (open loop), each of a buyer of its own.
type RushOptions struct {
	Setup
	FrontEnds int // in this process: their queue, wire protocol and connections, without HTTP
	Requests  uint64
	Tickets   uint32
	Over      time.Duration // in which all of them arrive
}

// DefaultRushOptions is the first second of the mission.
func DefaultRushOptions() RushOptions {
	return RushOptions{Setup: Setup{Nodes: 3, Log: io.Discard}, FrontEnds: 2, Requests: 500_000, Tickets: 100_000, Over: time.Second}
}

// RushReport is what a rush came to. Latencies run from the instant at which a
// request was to arrive, whether this machine had the time to send it or not.
type RushReport struct {
	Machine   string             `json:"machine"`
	Nodes     int                `json:"nodes"`
	FrontEnds int                `json:"front_ends"`
	Requests  uint64             `json:"requests"`
	Over      string             `json:"over"`
	Outcomes  map[string]uint64  `json:"outcomes"`
	Errors    map[string]uint64  `json:"errors"` // not decided: shed, no leader
	Millis    map[string]float64 `json:"latency_ms"`
	// Seconds is from the first arrival to the last answer.
	Seconds        float64 `json:"seconds"`
	Batches        uint64  `json:"batches"` // that the front-ends sent
	RequestsABatch float64 `json:"requests_a_batch"`
	// LeaderMicrosecondsPerRequest is the leader process's whole CPU time.
	LeaderMicrosecondsPerRequest float64 `json:"leader_cpu_us_per_request"`
	LoadMicrosecondsPerRequest   float64 `json:"load_cpu_us_per_request"`
	OutOfOrder                   uint64  `json:"out_of_order"` // decisions of one front-end with a lower seq than an earlier one
	Ending
}

// Exact returns nil when everybody was decided, in order, and every audit is clean.
func (r *RushReport) Exact() error {
	if len(r.Errors) > 0 || r.OutOfOrder > 0 {
		return fmt.Errorf("%w: errors %v, %d out of order", errInexact, r.Errors, r.OutOfOrder)
	}
	return r.Ending.Exact()
}

// RunRush starts a temporary cluster and lets the crowd in. It leaves no process
// behind.
func RunRush(ctx context.Context, o RushOptions) (*RushReport, error) {
	if o.FrontEnds < 1 || o.FrontEnds > 16 || o.Requests < 1 || o.Tickets < 1 || o.Over <= 0 {
		return nil, fmt.Errorf("%w: 1 to 16 front-ends, at least one request and one ticket, a positive time", ErrOptions)
	}
	if err := o.check(1); err != nil {
		return nil, err
	}
	r := &RushReport{}
	return r, o.run(ctx, 0, &r.Ending, func(c *cluster) error { return o.rush(ctx, c, r) })
}

func (o *RushOptions) rush(ctx context.Context, c *cluster, r *RushReport) error {
	leader, _, err := c.createSale(ctx, contract.NewSale{ID: "rush", Quantity: o.Tickets})
	if err != nil {
		return err
	}
	doors := openDoors(c, leader, o.FrontEnds)
	defer doors.close()
	for _, d := range doors { // each has its session before the crowd comes
		user := []byte("warm up " + strconv.Itoa(int(d.first)))
		buy := &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: user}
		if _, err := d.client.Decide(buy); err != nil {
			return err
		}
	}
	fmt.Fprintf(o.Log, "%d requests arrive at %d front-ends within %v\n", o.Requests, o.FrontEnds, o.Over)
	leaderBefore, loadBefore, started := cpu(leader.process.PID()), cpu(os.Getpid()), time.Now()
	doors.let(ctx, &crowd{requests: o.Requests, rate: float64(o.Requests) / o.Over.Seconds(), prefix: "buyer-"})
	took, each := time.Since(started), 1e6/float64(o.Requests)
	*r = RushReport{Machine: machine(), Nodes: o.Nodes, FrontEnds: o.FrontEnds, Requests: o.Requests,
		Over: o.Over.String(), Seconds: took.Seconds(), Outcomes: map[string]uint64{}, Errors: map[string]uint64{},
		LeaderMicrosecondsPerRequest: each * (cpu(leader.process.PID()) - leaderBefore).Seconds(),
		LoadMicrosecondsPerRequest:   each * (cpu(os.Getpid()) - loadBefore).Seconds()}
	r.add(doors)
	return nil
}

// add adds what came of the requests.
func (r *RushReport) add(doors doors) {
	all := newLatency()
	for _, d := range doors {
		all.Merge(d.latency)
		for code, n := range d.codes {
			if n > 0 {
				name := sequencer.Code(code).String()
				if name == "ok" {
					name = "reserved"
				}
				r.Outcomes[name] += n
			}
		}
		for what, n := range d.errors {
			r.Errors[what] += n
		}
		r.Batches += d.client.Counters().Batches.Load()
		r.OutOfOrder += d.swapped
	}
	r.Millis = millis(all)
	r.RequestsABatch = float64(r.Requests) / float64(max(1, r.Batches))
}
