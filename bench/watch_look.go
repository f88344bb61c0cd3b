package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/procfs"

	"onsale/internal/procs"
)

// Look is how all processes were at one time.
type Look struct {
	Seconds float64 `json:"seconds"` // since the first one
	// LoadAverage is the machine's of the last minute, all that runs on it.
	LoadAverage float64 `json:"load_average"`
	// Decided is how many buyers had a decision so far.
	Decided uint64 `json:"decided"`
	// Processes are by their id, and their figures by the names of processFigures; who did not
	// answer in time is missing.
	Processes map[string]map[string]float64 `json:"processes"`
}

// processFigures are what is looked at of a process, and the metrics that tell.
var processFigures = map[string]string{
	"files":          "process_open_fds",
	"goroutines":     "go_goroutines",
	"resident_bytes": "process_resident_memory_bytes",
	"heap_bytes":     "go_memstats_heap_inuse_bytes",
	"cpu_seconds":    "process_cpu_seconds_total",
	"term":           "onsale_raft_term", // of nodes, as the next
	"elections_won":  "onsale_elections_won_total",
}

// watcher looks again and again.
type watcher struct {
	options *WatchOptions
	cluster *cluster
	looks   []Look
	missed  map[string]int        // looks at which a process did not answer
	before  map[string]raftAlarms // when watching began: a new cluster has some
	load    atomic.Pointer[load]
	pressed *WatchLoad // nil without buyers
}

func newWatcher(o *WatchOptions, c *cluster) *watcher {
	w := &watcher{options: o, cluster: c, missed: map[string]int{}, before: map[string]raftAlarms{}}
	for _, n := range c.nodes {
		w.before[n.id] = alarmsOf(n)
	}
	return w
}

// run looks until the time is over. A process that has ended ends it too.
func (w *watcher) run(ctx context.Context) error {
	ticks := time.NewTicker(w.options.Every)
	defer ticks.Stop()
	for began := time.Now(); ; {
		if err := w.look(ctx, time.Since(began)); err != nil {
			return err
		}
		if time.Since(began) >= w.options.For {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

func (w *watcher) look(ctx context.Context, at time.Duration) error {
	look := Look{Seconds: at.Seconds(), Processes: map[string]map[string]float64{}}
	machine, _ := procfs.NewDefaultFS()
	if load, err := machine.LoadAvg(); err == nil { // else it is not known
		look.LoadAverage = load.Load1
	}
	if l := w.load.Load(); l != nil {
		look.Decided = l.answered.Load()
	}
	for _, n := range w.cluster.all() {
		m, err := n.metrics(ctx)
		switch {
		case n.process.HasEnded():
			return fmt.Errorf("%w: %s%s", procs.ErrEnded, n.id, w.cluster.lastLogs())
		case err != nil:
			w.missed[n.id]++
		default:
			figures := map[string]float64{}
			for name, metric := range processFigures {
				if number, is := m[metric]; is {
					figures[name] = number
				}
			}
			look.Processes[n.id] = figures
		}
	}
	w.looks = append(w.looks, look)
	return ctx.Err()
}
