package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// RestartOptions says after how many decisions a node is killed and started again.
type RestartOptions struct {
	Program    string
	DataParent string
	Decisions  uint64
	Restarts   int
	Log        io.Writer
}

// RunRestart fills a node of its own with decisions, kills it with -9 and starts it again.
// Each time is from the start of a process until /readyz says that it takes requests. An
// audit that is not clean is an error, beside the times. It leaves no process behind.
func RunRestart(ctx context.Context, o RestartOptions) (times []time.Duration, err error) {
	options := clusterOptions{program: o.Program, parent: o.DataParent, nodes: 1, secret: randomSecret()}
	audits, err := onCluster(ctx, options, o.Log, func(c *cluster) (err error) {
		times, err = o.run(ctx, c)
		return err
	})
	return times, errors.Join(err, clean(audits))
}

func (o *RestartOptions) run(ctx context.Context, c *cluster) (times []time.Duration, err error) {
	// As many at a time as front-ends bring; how fast they come does not matter here.
	rush := RushOptions{FrontEnds: 1, Nodes: 1, Requests: o.Decisions, Tickets: 100_000,
		Over: time.Duration(o.Decisions) * time.Microsecond, Log: o.Log}
	filled, err := rush.rush(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(filled.Errors) > 0 {
		return nil, fmt.Errorf("%w: filling the node: %v", errInexact, filled.Errors)
	}
	for i := range o.Restarts {
		took, err := c.restart(ctx, o.Program, c.nodes[0])
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(o.Log, "restart %d of %d: ready after %v\n", i+1, o.Restarts, took.Round(time.Millisecond))
		times = append(times, took)
	}
	back, err := c.converge(ctx)
	if err != nil {
		return times, err
	}
	// The clock may have decided something more since.
	if was := filled.Replicas[0]; back[0].Seq < was.Seq || back[0].Seq == was.Seq && back[0].StateHash != was.StateHash {
		return times, fmt.Errorf("%w: %+v before the kills, %+v after", errReplicasDiffer, was, back[0])
	}
	return times, nil
}

// restart kills a node and starts it again; it returns how long after the start the node
// took requests.
func (c *cluster) restart(ctx context.Context, program string, n *node) (took time.Duration, err error) {
	n.process.Kill()
	started := time.Now()
	if err := c.start(program, n); err != nil {
		return 0, err
	}
	ready := until(ctx, 2*time.Minute, 2*time.Millisecond, func() bool {
		_, err := n.get(ctx, "/readyz")
		took = time.Since(started)
		return err == nil
	})
	if !ready {
		return 0, fmt.Errorf("node %s is not ready 2 minutes after its start%s", n.id, c.lastLogs())
	}
	return took, nil
}
