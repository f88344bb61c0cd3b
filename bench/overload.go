package bench

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"onsale/internal/failpoint"
)

// OverloadOptions says how much more than a node can decide it is offered, by whom, and
// who buys beside.
type OverloadOptions struct {
	Setup
	// Queue bounds the requests that wait at the leader, and Batch those of one raft
	// entry. Small ones make deciding the narrowest place, so that this machine, which
	// sends the requests as well, can offer many times as much.
	Queue, Batch int
	// DiskDelay makes every append to a node's log take so much longer, as on a slow disk,
	// so that deciding is the narrowest place without taking the processor; 0 for none. Only
	// a program that is built with failpoints can do that.
	DiskDelay time.Duration
	// Sustain is how long a closed loop looks for the rate that is sustained, with
	// SustainConnections, none of which is refused. Recover is how long it goes on afterwards.
	Sustain, Recover   time.Duration
	SustainConnections int
	// Factor is how many times the sustained rate is offered, over Over, by an open loop
	// of so many Connections.
	Factor      float64
	Over        time.Duration
	Connections int
	// Bots are the users from whom the flood comes, each with a new key a request, heeding
	// nothing that they are told; with 0 it is a crowd, each of whom asks once.
	Bots int
	// UserRequestsPerSecond is the node's limit of each user, 0 for none.
	UserRequestsPerSecond float64
	// Honest buyers press once each, at a time within Over, and come back as they are told.
	Honest int
	// Tickets are for sale while the flood lasts; they may be few.
	Tickets uint32
}

// DefaultOverloadOptions is what the project is held to: ten times what is sustained.
func DefaultOverloadOptions() OverloadOptions {
	return OverloadOptions{Setup: Setup{Nodes: 1, Log: io.Discard}, Queue: 512, Batch: 1, Sustain: 5 * time.Second, Recover: recoveredWithin,
		SustainConnections: 128, Factor: 10, Over: 10 * time.Second, Connections: 2048, Honest: 200, Tickets: 1 << 30}
}

// Validate returns ErrOptions when an option breaks its bound.
func (o *OverloadOptions) Validate() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrOptions, fmt.Sprintf(format, args...))
	}
	switch {
	case o.Queue < 1 || o.Batch < 1:
		return wrong("a queue of %d and batches of %d requests; both are 1 at least", o.Queue, o.Batch)
	case o.DiskDelay < 0 || o.DiskDelay > failpoint.DelayMax:
		return wrong("a disk delay of %v, allowed is 0 to %v", o.DiskDelay, failpoint.DelayMax)
	case o.SustainConnections < 1 || o.SustainConnections > o.Queue:
		return wrong("%d connections look for the sustained rate at a queue of %d, which would refuse them",
			o.SustainConnections, o.Queue)
	case o.Connections <= o.Queue+o.underWay() || o.Connections > connectionsMax:
		return wrong("%d connections with one request each cannot fill a queue of %d behind %d that are under way; "+
			"at most %d are allowed", o.Connections, o.Queue, o.underWay(), connectionsMax)
	case o.Factor <= 1 || o.Factor > 1000:
		return wrong("%v times the sustained rate, allowed is above 1 to 1000", o.Factor)
	case min(o.Sustain, o.Over, o.Recover) < time.Second || max(o.Sustain, o.Over, o.Recover) > 10*time.Minute:
		return wrong("%v, %v and %v; each is 1s to 10m", o.Sustain, o.Over, o.Recover)
	case o.Bots < 0 || o.Honest < 0 || o.Honest > connectionsMax || o.Tickets < 1 || o.UserRequestsPerSecond < 0:
		return wrong("%d bots and %d honest buyers of at most %d, %d tickets, a limit of %v", o.Bots, o.Honest,
			connectionsMax, o.Tickets, o.UserRequestsPerSecond)
	}
	return o.check(1)
}

// overloadBatches is how many raft entries the node may have under way: one, so that the disk
// and not the processor is what deciding waits for.
const overloadBatches = 1

// underWay is how many requests may have left the queue without an answer, the batch that
// waits for a place in flight included.
func (o *OverloadOptions) underWay() int { return (overloadBatches + 1) * o.Batch }

// RunOverload offers a temporary cluster many times what it sustains, and returns what it
// did. It leaves no process behind.
func RunOverload(ctx context.Context, o OverloadOptions) (*OverloadReport, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.NodeFlags = append([]string{"--inbox-requests-max", strconv.Itoa(o.Queue), "--batch-requests-max", strconv.Itoa(o.Batch),
		"--in-flight-max", strconv.Itoa(overloadBatches),
		"--user-requests-per-second", strconv.FormatFloat(o.UserRequestsPerSecond, 'f', -1, 64)}, o.NodeFlags...)
	r := &OverloadReport{Machine: machine(), Options: o, NodeFlags: o.NodeFlags,
		DiskDelayMillis: float64(o.DiskDelay) / float64(time.Millisecond), Refused: map[string]uint64{},
		Unanswered: map[string]uint64{}}
	err := o.run(ctx, o.DiskDelay, &r.Ending, func(c *cluster) error {
		return (&flooding{OverloadReport: r, cluster: c}).run(ctx)
	})
	r.judge()
	return r, err
}
