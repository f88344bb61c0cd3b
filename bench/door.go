package bench

import (
	"context"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"onsale/cluster/forward"
	"onsale/sequencer"
)

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

type doors []*door

// openDoors opens front-ends that know who leads.
func openDoors(c *cluster, leader *node, count int) (all doors) {
	for i := range count {
		config := forward.DefaultClientConfig()
		config.DecideTimeout, config.AttemptTimeout = 30*time.Second, 10*time.Second
		config.QueueRequestsMax, config.QueueBytesMax = 1<<23, 1<<30
		directory := forward.NewDirectory(c.peers())
		directory.SetLeader(leader.id, leader.peer)
		client := forward.NewClient(config, c.peerConfig("f"+strconv.Itoa(i+1)), directory, nil, forward.Limits{})
		all = append(all, &door{client: client, first: uint64(i), step: uint64(count), latency: newLatency(), errors: map[string]uint64{}})
	}
	return all
}

func (all doors) close() {
	for _, d := range all {
		_ = d.client.Close() // everybody has been answered
	}
}

// crowd are buyers who arrive evenly at all doors together, from now on. Their ids are a
// prefix and a number, and each has an idempotency key.
type crowd struct {
	requests uint64
	rate     float64 // a second
	prefix   string
	referred bool // whether each buy has a reference, cart-NUMBER
	// step is the least time between two groups of those who press at once; 0 for arrivalStep.
	step time.Duration
}

// arrivalStep is how finely arrivals are told apart: what is due at once comes in
// one group, as requests of many connections do that a front-end reads in one turn.
const arrivalStep = 250 * time.Microsecond

// groupMax bounds a group.
const groupMax = 2000

// let lets a crowd in, and returns when all are answered. Nobody comes any more when ctx ends.
func (all doors) let(ctx context.Context, c *crowd) {
	var group sync.WaitGroup
	started := time.Now()
	for _, d := range all {
		group.Go(func() { d.let(ctx, c, started) })
	}
	group.Wait()
}

func (d *door) let(ctx context.Context, crowd *crowd, started time.Time) {
	at := func(n uint64) time.Time {
		return started.Add(time.Duration(float64(n) / crowd.rate * float64(time.Second)))
	}
	user, step := []byte(crowd.prefix), max(arrivalStep, crowd.step)
	for next := d.first; next < crowd.requests && ctx.Err() == nil; {
		if wait := time.Until(at(next)); wait > 0 {
			time.Sleep(max(wait, step))
		}
		now, from, count := time.Now(), next, 0
		frames := make([]byte, 0, 4096)
		for ; next < crowd.requests && count < groupMax && !at(next).After(now); next += d.step {
			c := sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: 1,
				User: strconv.AppendUint(user[:len(crowd.prefix)], next, 10)}
			binary.LittleEndian.PutUint64(c.Key[:], next+1)
			if crowd.referred {
				c.Reference = strconv.AppendUint([]byte("cart-"), next, 10)
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
