package bench

import (
	"context"
	"fmt"
	"io"
	"time"
)

// RestartOptions says after how many decisions a node is killed and started again.
type RestartOptions struct {
	Program    string
	DataParent string
	Decisions  uint64
	Tickets    uint32
	Restarts   int
	Log        io.Writer
}

// DefaultRestartOptions is T9's.
func DefaultRestartOptions() RestartOptions {
	return RestartOptions{Decisions: 10_000_000, Tickets: 100_000, Restarts: 5, Log: io.Discard}
}

// Validate returns ErrOptions when an option breaks its bound.
func (o *RestartOptions) Validate() error {
	if o.Decisions < 1 || o.Decisions > 1e9 || o.Tickets < 1 || o.Restarts < 1 || o.Restarts > 1000 {
		return fmt.Errorf("%w: 1 to 1000000000 decisions, at least one ticket, 1 to 1000 restarts", ErrOptions)
	}
	return nil
}

// RestartReport is what the restarts came to. Each time is from the start of the process,
// whose predecessor was killed with -9, until /readyz says that it takes requests.
type RestartReport struct {
	Machine           string        `json:"machine"`
	Decisions         uint64        `json:"decisions"`
	Tickets           uint32        `json:"tickets"`
	LogBytes          float64       `json:"log_bytes"`     // written until the first kill
	JournalBytes      float64       `json:"journal_bytes"` // the same
	LeaderMemoryBytes int64         `json:"memory_bytes"`  // resident before the first kill
	Millis            []float64     `json:"ready_ms"`
	MaxMillis         float64       `json:"ready_max_ms"`
	Replica           nodeStatus    `json:"replica"` // the same before the first kill and after the last start
	Audits            []AuditReport `json:"audits"`
}

// Exact returns nil when every audit is clean.
func (r *RestartReport) Exact() error { return clean(r.Audits) }

// RunRestart fills a node of its own with decisions, kills it and starts it again. It
// leaves no process behind.
func RunRestart(ctx context.Context, o RestartOptions) (*RestartReport, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c, err := startCluster(ctx, o.Program, o.DataParent, 1, randomSecret())
	if err != nil {
		return nil, err
	}
	report, err := o.run(ctx, c)
	audits, err := c.finish(err, o.Log)
	if report != nil {
		report.Audits = audits
	}
	return report, err
}

func (o *RestartOptions) run(ctx context.Context, c *cluster) (*RestartReport, error) {
	r := &RestartReport{Machine: machine(), Decisions: o.Decisions, Tickets: o.Tickets}
	// As many at a time as front-ends bring; how fast they come does not matter here.
	rush := RushOptions{FrontEnds: 1, Nodes: 1, Requests: o.Decisions, Tickets: o.Tickets, Over: time.Duration(o.Decisions) * time.Microsecond, Log: o.Log}
	filled, err := rush.rush(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(filled.Errors) > 0 {
		return nil, fmt.Errorf("%w: filling the node: %v", errInexact, filled.Errors)
	}
	n := c.nodes[0]
	metrics, err := n.metrics(ctx)
	if err != nil {
		return nil, err
	}
	r.LogBytes, r.JournalBytes, r.LeaderMemoryBytes = metrics["onsale_log_written_bytes_total"], metrics["onsale_journal_written_bytes_total"], n.resident()
	r.Replica = filled.Replicas[0]
	for i := range o.Restarts {
		took, err := c.restart(ctx, o.Program, n)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(o.Log, "restart %d of %d: ready after %v\n", i+1, o.Restarts, took.Round(time.Millisecond))
		millis := float64(took.Microseconds()) / 1000
		r.Millis, r.MaxMillis = append(r.Millis, millis), max(r.MaxMillis, millis)
	}
	back, err := c.converge(ctx)
	if err == nil && (back[0].Seq < r.Replica.Seq || back[0].Seq == r.Replica.Seq && back[0].StateHash != r.Replica.StateHash) {
		err = fmt.Errorf("%w: %+v before the kills, %+v after", errReplicasDiffer, r.Replica, back[0])
	}
	return r, err
}

// restart kills a node and starts it again; it returns how long after the start the node
// took requests.
func (c *cluster) restart(ctx context.Context, program string, n *node) (time.Duration, error) {
	n.process.Kill()
	started := time.Now()
	if err := c.start(program, n); err != nil {
		return 0, err
	}
	for deadline := started.Add(2 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
		if _, err := n.get(ctx, "/readyz"); err == nil {
			return time.Since(started), nil
		}
	}
	return 0, fmt.Errorf("node %s is not ready 2 minutes after its start%s", n.id, c.lastLogs())
}
