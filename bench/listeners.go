package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ListenersOptions says how many listen to one sale's events at one node.
type ListenersOptions struct {
	Program    string
	DataParent string
	Listeners  int
	Idle       time.Duration // in which nothing is sold
	Sell       time.Duration // in which buys change the sale
	PerSecond  int           // changes
	Flags      []string      // of the node, besides what is needed
	Log        io.Writer
}

// DefaultListenersOptions is the crowd that the project is held to. Two heartbeats
// fall into the idle time.
func DefaultListenersOptions() ListenersOptions {
	return ListenersOptions{Listeners: 100_000, Idle: 30 * time.Second, Sell: 20 * time.Second, PerSecond: 10, Log: io.Discard}
}

// listenersMax is how many there are source ports for, by listenersPerAddress.
const listenersMax = 1_000_000

// Validate returns ErrOptions when an option breaks its bound.
func (o *ListenersOptions) Validate() error {
	switch {
	case o.Listeners < 1 || o.Listeners > listenersMax:
		return fmt.Errorf("%w: %d listeners, allowed are 1 to %d", ErrOptions, o.Listeners, listenersMax)
	case o.Idle < 0 || o.Idle > 10*time.Minute || o.Sell <= 0 || o.Sell > 10*time.Minute:
		return fmt.Errorf("%w: idle and selling times of at most 10 minutes", ErrOptions)
	case o.PerSecond < 1 || o.PerSecond > 1000:
		return fmt.Errorf("%w: %d changes a second, allowed are 1 to 1000", ErrOptions, o.PerSecond)
	}
	return nil
}

// filesBeside is how many files a process opens beside its listeners, at most.
const filesBeside = 1000

// hallConnections bounds who has connected and is not a listener yet.
const hallConnections = 256

// allowFiles raises the number of files that this process and those it starts may
// open: both ends of the streams have one for each listener.
func allowFiles(listeners int) error {
	need := uint64(listeners + filesBeside)
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return err
	}
	if now.Max >= need {
		return nil // Go's own start raises the soft limit
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: need, Max: need}); err != nil {
		return fmt.Errorf("%w: %d listeners need %d open files for each process, and the hard limit is %d (ulimit -Hn), which this user must not raise: %w",
			ErrOptions, listeners, need, now.Max, err)
	}
	return nil
}

// ListenersReport is what listening cost the node, and how late the listeners heard.
// Memory is in bytes, CPU is the share of one core.
type ListenersReport struct {
	Machine   string `json:"machine"`
	Listeners int    `json:"listeners"`
	PerSecond int    `json:"changes_per_second"`

	ConnectSeconds    float64 `json:"connect_seconds"`
	ConnectCPUSeconds float64 `json:"connect_node_cpu_seconds"`

	MemoryBefore     int64   `json:"node_memory_before_bytes"`  // resident
	MemoryIdle       int64   `json:"node_memory_idle_bytes"`    // with all listeners, at the end of the idle time
	MemorySelling    int64   `json:"node_memory_selling_bytes"` // at the end of the selling
	MemoryMost       int64   `json:"node_memory_most_bytes"`
	BytesPerListener float64 `json:"node_memory_per_listener_bytes"` // selling less before
	HeapPerListener  float64 `json:"node_heap_per_listener_bytes"`   // in use after the idle time, less before
	GoroutinesBefore float64 `json:"node_goroutines_before"`
	Goroutines       float64 `json:"node_goroutines"`

	CPUSellingAlone float64 `json:"node_cpu_selling_without_listeners"`
	CPUIdle         float64 `json:"node_cpu_idle"`
	CPUSelling      float64 `json:"node_cpu_selling"`
	ClientCPU       float64 `json:"client_cpu_selling"`

	Changes    int                `json:"changes"`
	Broadcasts float64            `json:"broadcasts"` // in the selling time
	Encodings  float64            `json:"encodings"`  // of events in the selling time
	Joining    float64            `json:"encodings_while_connecting"`
	Events     uint64             `json:"events_received"`
	Millis     map[string]float64 `json:"delay_ms"` // from when a buy was sent to when a listener heard of it
	Lost       int                `json:"listeners_lost"`
	Behind     int                `json:"listeners_that_missed_the_last_change"`

	Audit AuditReport `json:"audit"`
}

// RunListeners opens event streams to a node of its own, from this process, and
// measures what they cost. It leaves no process behind.
func RunListeners(ctx context.Context, o ListenersOptions) (_ *ListenersReport, err error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := allowFiles(o.Listeners); err != nil {
		return nil, err
	}
	secret := randomSecret()
	flags := append([]string{"--streams-max", strconv.Itoa(o.Listeners), "--connections-max", strconv.Itoa(hallConnections)}, o.Flags...)
	c, err := startCluster(ctx, o.Program, o.DataParent, 1, secret, flags...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	h := &hall{options: &o, cluster: c, node: c.nodes[0], secret: secret}
	report, err := h.run(ctx)
	if err = errors.Join(err, c.terminate()); err != nil {
		return report, fmt.Errorf("%w%s", err, c.lastLogs())
	}
	audits, err := c.audit(o.Log)
	if err != nil {
		return report, err
	}
	report.Audit = audits[0]
	return report, nil
}

// Exact returns nil when nobody was lost or left behind, and the audit is clean.
func (r *ListenersReport) Exact() error {
	if r.Lost > 0 || r.Behind > 0 || r.Audit.Verdict != "clean" {
		return fmt.Errorf("%w: %d listeners lost, %d behind, the audit says %q", errInexact, r.Lost, r.Behind, r.Audit.Verdict)
	}
	return nil
}
