package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"onsale/cluster/forward"
	"onsale/sequencer"
)

// RushOptions says which rush to run: requests that arrive at front-ends at times
// that were fixed before (open loop), each of a buyer of its own.
type RushOptions struct {
	Program    string
	DataParent string
	Nodes      int
	FrontEnds  int // in this process: their queue, wire protocol and connections, without HTTP
	Requests   uint64
	Tickets    uint32
	Over       time.Duration // in which all of them arrive
	Keyed      bool          // each has an idempotency key
	Log        io.Writer
}

// DefaultRushOptions is the first second of the mission.
func DefaultRushOptions() RushOptions {
	return RushOptions{Nodes: 3, FrontEnds: 2, Requests: 500_000, Tickets: 100_000, Over: time.Second, Log: io.Discard}
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
	LeaderMicrosecondsPerRequest float64       `json:"leader_cpu_us_per_request"`
	LoadMicrosecondsPerRequest   float64       `json:"load_cpu_us_per_request"`
	OutOfOrder                   uint64        `json:"out_of_order"` // decisions of one front-end with a lower seq than an earlier one
	Replicas                     []nodeStatus  `json:"replicas"`
	Audits                       []AuditReport `json:"audits"`
}

// Exact returns nil when everybody was decided, in order, and every audit is clean.
func (r *RushReport) Exact() error {
	if len(r.Errors) > 0 || r.OutOfOrder > 0 {
		return fmt.Errorf("%w: errors %v, %d out of order", errInexact, r.Errors, r.OutOfOrder)
	}
	return clean(r.Audits)
}

// RunRush starts a temporary cluster and lets the crowd in. It leaves no process
// behind.
func RunRush(ctx context.Context, o RushOptions) (*RushReport, error) {
	if o.Nodes < 1 || o.Nodes > 9 || o.FrontEnds < 1 || o.FrontEnds > 16 || o.Requests < 1 || o.Tickets < 1 || o.Over <= 0 {
		return nil, fmt.Errorf("%w: 1 to 9 nodes, 1 to 16 front-ends, at least one request and one ticket, a positive time",
			ErrOptions)
	}
	var r *RushReport
	options := clusterOptions{program: o.Program, parent: o.DataParent, nodes: o.Nodes, secret: randomSecret()}
	audits, err := onCluster(ctx, options, o.Log, func(c *cluster) (err error) {
		r, err = o.rush(ctx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Audits = audits
	return r, nil
}

// door is a front-end without its HTTP: what queues for the leader, and how it goes.
type door struct {
	client *forward.Client
	first  uint64 // its requests are first, first+step, …
	step   uint64

	mu      sync.Mutex
	latency *hdrhistogram.Histogram // microseconds
	errors  map[string]uint64
	codes   [sequencer.CodeCount]uint64
	swapped uint64
	group   sync.WaitGroup
}

func (o *RushOptions) rush(ctx context.Context, c *cluster) (*RushReport, error) {
	leader, _, err := c.createSale(ctx, "rush", &SaleOptions{Tickets: o.Tickets})
	if err != nil {
		return nil, err
	}
	doors := o.doors(c, leader)
	defer func() {
		for _, d := range doors {
			_ = d.client.Close() // everybody has been answered
		}
	}()
	for _, d := range doors { // each has its session before the crowd comes
		user := []byte("warm up " + strconv.Itoa(int(d.first)))
		buy := &sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1, User: user}
		if _, err := d.client.Decide(buy); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(o.Log, "%d requests arrive at %d front-ends within %v\n", o.Requests, o.FrontEnds, o.Over)
	leaderBefore, loadBefore, started := cpu(leader.process.PID()), cpu(os.Getpid()), time.Now()
	var group sync.WaitGroup
	for _, d := range doors {
		group.Go(func() { d.let(o, started) })
	}
	group.Wait()
	took := time.Since(started)
	r := o.report(doors, took, cpu(leader.process.PID())-leaderBefore, cpu(os.Getpid())-loadBefore)
	r.Replicas, err = c.converge(ctx)
	return r, err
}

func (o *RushOptions) doors(c *cluster, leader *node) []*door {
	var doors []*door
	for i := range o.FrontEnds {
		config := forward.DefaultClientConfig()
		config.DecideTimeout, config.AttemptTimeout = 30*time.Second, 10*time.Second
		config.QueueRequestsMax, config.QueueBytesMax = 1<<23, 1<<30
		directory := forward.NewDirectory(c.peers())
		directory.SetLeader(leader.id, leader.peer)
		doors = append(doors, &door{client: forward.NewClient(config, c.peerConfig("f"+strconv.Itoa(i+1)), directory, nil, forward.Limits{}),
			first: uint64(i), step: uint64(o.FrontEnds), latency: newLatency(), errors: map[string]uint64{}})
	}
	return doors
}

// arrivalStep is how finely arrivals are told apart: what is due at once comes in
// one group, as requests of many connections do that a front-end reads in one turn.
const arrivalStep = 250 * time.Microsecond

// groupMax bounds a group.
const groupMax = 2000

// let lets requests in when their time has come, and returns when all are answered.
func (d *door) let(o *RushOptions, started time.Time) {
	at := func(n uint64) time.Time {
		return started.Add(time.Duration(float64(o.Over) * float64(n) / float64(o.Requests)))
	}
	user := []byte("buyer-")
	for next := d.first; next < o.Requests; {
		if wait := time.Until(at(next)); wait > 0 {
			time.Sleep(max(wait, arrivalStep))
		}
		now, from, count := time.Now(), next, 0
		frames := make([]byte, 0, 4096)
		for ; next < o.Requests && count < groupMax && !at(next).After(now); next += d.step {
			c := sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1,
				User: strconv.AppendUint(user[:6], next, 10)}
			if o.Keyed {
				binary.LittleEndian.PutUint64(c.Key[:], next+1)
			}
			frames = sequencer.AppendCommand(frames, &c)
			count++
		}
		if count > 0 {
			d.group.Go(func() { d.send(frames, count, func(i int) time.Time { return at(from + uint64(i)*d.step) }) })
		}
	}
	d.group.Wait()
}

func (d *door) send(frames []byte, count int, intended func(int) time.Time) {
	results := make([]sequencer.Result, count)
	err := d.client.DecideMany(frames, count, results)
	answered := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.errors[err.Error()] += uint64(count)
		return
	}
	for i := range results {
		d.codes[results[i].Code]++
		record(d.latency, answered.Sub(intended(i)))
		if i > 0 && results[i].Seq != results[i-1].Seq+1 {
			d.swapped++
		}
	}
}

func (o *RushOptions) report(doors []*door, took, leader, load time.Duration) *RushReport {
	r := &RushReport{Machine: machine(), Nodes: o.Nodes, FrontEnds: o.FrontEnds, Requests: o.Requests,
		Over: o.Over.String(), Seconds: took.Seconds(), Outcomes: map[string]uint64{}, Errors: map[string]uint64{}}
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
	r.RequestsABatch = float64(o.Requests) / float64(max(1, r.Batches))
	r.LeaderMicrosecondsPerRequest = leader.Seconds() * 1e6 / float64(o.Requests)
	r.LoadMicrosecondsPerRequest = load.Seconds() * 1e6 / float64(o.Requests)
	return r
}
