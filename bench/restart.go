package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RestartOptions says after how many decisions a node is killed and started again.
type RestartOptions struct {
	Setup
	Decisions uint64
	Restarts  int
}

// RunRestart fills a node of its own with decisions, kills it with -9 and starts it again.
// Each time is from the start of a process until /readyz says that it takes requests. An
// audit that is not clean is an error, beside the times. It leaves no process behind.
func RunRestart(ctx context.Context, o RestartOptions) (times []time.Duration, err error) {
	var ending Ending
	o.Nodes = 1
	err = o.run(ctx, 0, &ending, func(c *cluster) (err error) {
		times, err = o.restart(ctx, c)
		return err
	})
	return times, errors.Join(err, ending.Exact())
}

func (o *RestartOptions) restart(ctx context.Context, c *cluster) (times []time.Duration, err error) {
	// As many at a time as front-ends bring; how fast they come does not matter here.
	rush := RushOptions{Setup: o.Setup, FrontEnds: 1, Requests: o.Decisions, Tickets: 100_000,
		Over: time.Duration(o.Decisions) * time.Microsecond}
	var filled RushReport
	if err := rush.rush(ctx, c, &filled); err != nil {
		return nil, err
	}
	if len(filled.Errors) > 0 {
		return nil, fmt.Errorf("%w: filling the node: %v", errInexact, filled.Errors)
	}
	before, err := c.converge(ctx)
	if err != nil {
		return nil, err
	}
	for i := range o.Restarts {
		n := c.nodes[0]
		n.process.Kill()
		started := time.Now()
		if err := c.start(n); err != nil {
			return nil, err
		}
		if err := c.awaitReady(ctx, n, 2*time.Minute); err != nil {
			return nil, err
		}
		took := time.Since(started)
		fmt.Fprintf(o.Log, "restart %d of %d: ready after %v\n", i+1, o.Restarts, took.Round(time.Millisecond))
		times = append(times, took)
	}
	back, err := c.converge(ctx)
	if err != nil {
		return times, err
	}
	// The clock may have decided something more since.
	if was := before[0]; back[0].Seq < was.Seq || back[0].Seq == was.Seq && back[0].StateHash != was.StateHash {
		return times, fmt.Errorf("%w: %+v before the kills, %+v after", errReplicasDiffer, was, back[0])
	}
	return times, nil
}
