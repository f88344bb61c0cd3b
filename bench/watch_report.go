package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// WatchReport is what was seen of a cluster.
type WatchReport struct {
	Machine   string  `json:"machine"`
	Nodes     int     `json:"nodes"`
	FrontEnds int     `json:"front_ends"`
	Rate      int     `json:"arrivals_per_second"`
	Busy      string  `json:"busy"`
	Seconds   float64 `json:"seconds"`
	// LoadAverage is the machine's, over all looks.
	LoadAverage Course `json:"load_average"`
	// Elections are those that were won after the first look. Nobody was killed: each was
	// false. Terms also counts those that nobody won.
	Elections int                      `json:"elections"`
	Terms     int                      `json:"terms"`
	Processes map[string]ProcessCourse `json:"processes"`
	Load      *WatchLoad               `json:"load,omitempty"`
	Looks     []Look                   `json:"looks"`
	Replicas  []nodeStatus             `json:"replicas"`
	Audits    []AuditReport            `json:"audits"`
}

// WatchLoad is what became of the buyers.
type WatchLoad struct {
	PhaseReport
	LagMillis map[string]float64 `json:"lag_ms"` // of arrivals, because of the load itself
}

// Course is a figure over all looks.
type Course struct {
	First float64 `json:"first"`
	// Settled is the median of the second quarter, when what is made once has been made;
	// Last is the median of the last one.
	Settled float64 `json:"settled"`
	Last    float64 `json:"last"`
	Max     float64 `json:"max"`
}

// ProcessCourse is one process over all looks.
type ProcessCourse struct {
	Files      Course `json:"files"`
	Goroutines Course `json:"goroutines"`
	Resident   Course `json:"resident_bytes"`
	Heap       Course `json:"heap_bytes"`
	// CPUPercent is of one core, from the first look to the last.
	CPUPercent float64 `json:"cpu_percent"`
	// Suspected is how often a node heard no leader for its time-out and asked whether the
	// others would vote; SteppedDown how often one that led heard no majority. Both are told
	// by raft's log lines.
	Suspected   int `json:"suspected"`
	SteppedDown int `json:"stepped_down"`
	Missed      int `json:"missed"` // looks at which it did not answer within 5 s
}

// Exact returns nil when every audit is clean.
func (r *WatchReport) Exact() error { return clean(r.Audits) }

// courseOf takes a figure's course; it is of zeros without values.
func courseOf(values []float64) (c Course) {
	if len(values) == 0 {
		return c
	}
	quarter := func(i int) float64 {
		part := slices.Clone(values[i*len(values)/4 : max((i+1)*len(values)/4, i*len(values)/4+1)])
		slices.Sort(part)
		return part[len(part)/2]
	}
	return Course{First: values[0], Settled: quarter(1), Last: quarter(3), Max: slices.Max(values)}
}

func (w *watcher) report() *WatchReport {
	o := w.options
	r := &WatchReport{Machine: machine(), Nodes: o.Nodes, FrontEnds: o.FrontEnds, Rate: o.Rate, Busy: o.busy(),
		Seconds: w.looks[len(w.looks)-1].Seconds, Processes: map[string]ProcessCourse{}, Load: w.pressed, Looks: w.looks}
	r.LoadAverage = courseOf(w.values(func(l *Look) (float64, bool) { return l.LoadAverage, true }))
	for _, n := range w.cluster.all() {
		course, before, now := w.course(n.id), w.before[n.id], alarmsOf(n)
		course.Suspected, course.SteppedDown = now.suspected-before.suspected, now.steppedDown-before.steppedDown
		r.Processes[n.id] = course
	}
	for _, n := range w.cluster.nodes {
		won := w.of(n.id, func(p *ProcessLook) float64 { return p.Won })
		terms := w.of(n.id, func(p *ProcessLook) float64 { return p.Term })
		if len(won) > 0 {
			r.Elections += int(won[len(won)-1] - won[0])
			r.Terms = max(r.Terms, int(terms[len(terms)-1]-terms[0]))
		}
	}
	return r
}

// raftAlarms is how often a node said in its log that it heard too little.
type raftAlarms struct{ suspected, steppedDown int }

func alarmsOf(n *node) (a raftAlarms) {
	if n.process == nil {
		return a
	}
	output := n.process.Output()
	return raftAlarms{strings.Count(output, "heartbeat timeout reached, starting election"),
		strings.Count(output, "failed to contact quorum of nodes, stepping down")}
}

func (o *WatchOptions) busy() string {
	if o.Busy == 0 {
		return "no busy programs beside"
	}
	return fmt.Sprintf("%d busy programs of niceness %d beside", o.Busy, o.BusyNice)
}

func (w *watcher) values(of func(*Look) (float64, bool)) (values []float64) {
	for i := range w.looks {
		if v, is := of(&w.looks[i]); is {
			values = append(values, v)
		}
	}
	return values
}

// of returns a figure of one process, of the looks at which it answered.
func (w *watcher) of(id string, figure func(*ProcessLook) float64) []float64 {
	return w.values(func(l *Look) (float64, bool) {
		p, is := l.Processes[id]
		return figure(&p), is
	})
}

func (w *watcher) course(id string) ProcessCourse {
	of := func(figure func(*ProcessLook) float64) Course { return courseOf(w.of(id, figure)) }
	c := ProcessCourse{Missed: w.missed[id],
		Files:      of(func(p *ProcessLook) float64 { return p.Files }),
		Goroutines: of(func(p *ProcessLook) float64 { return p.Goroutines }),
		Resident:   of(func(p *ProcessLook) float64 { return p.Resident }),
		Heap:       of(func(p *ProcessLook) float64 { return p.Heap })}
	used, at := w.of(id, func(p *ProcessLook) float64 { return p.CPU }), w.values(func(l *Look) (float64, bool) {
		_, is := l.Processes[id]
		return l.Seconds, is
	})
	if last := len(at) - 1; last > 0 {
		c.CPUPercent = 100 * (used[last] - used[0]) / (at[last] - at[0])
	}
	return c
}

// Print writes the report as tables.
func (r *WatchReport) Print(w io.Writer) {
	fmt.Fprintf(w, "machine     %s\nwatched     %d node(s), %d front-end(s) for %.0f s, %s; load average %.1f, at most %.1f\n",
		r.Machine, r.Nodes, r.FrontEnds, r.Seconds, r.Busy, r.LoadAverage.Settled, r.LoadAverage.Max)
	fmt.Fprintf(w, "elections   %d won since the first look, by nobody's death; %d terms\n", r.Elections, r.Terms)
	if l := r.Load; l != nil {
		fmt.Fprintf(w, "buys        %d arrivals a second: %d decided (%.0f/s), p50 %.2f ms, p99 %.2f ms, max %.0f ms; %d without a decision\n",
			r.Rate, l.Requests, l.Rate, l.Millis["p50"], l.Millis["p99"], l.Millis["max"], l.Failed)
		l.printOutcomes(w, "buys")
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"", "files", "goroutines", "resident MiB", "heap MiB", "CPU %", "missed", "suspected", "stepped down"})
	for _, id := range slices.Sorted(maps.Keys(r.Processes)) {
		p := r.Processes[id]
		t.AppendRow(table.Row{id, p.Files.show(1), p.Goroutines.show(1), p.Resident.show(1 << 20), p.Heap.show(1 << 20),
			fmt.Sprintf("%.2f", p.CPUPercent), p.Missed, p.Suspected, p.SteppedDown})
	}
	fmt.Fprintf(w, "\n%s\nfirst, settled (median of the second quarter), last (median of the last quarter), most\n\n", t.Render())
	for _, s := range r.Replicas {
		fmt.Fprintf(w, "replica %-10s seq %d, state hash %s\n", s.NodeID, s.Seq, s.StateHash)
	}
	for _, a := range r.Audits {
		fmt.Fprintf(w, "audit of %-9s %s: %d requests decided again, %d findings, %.1f s\n", a.Node, a.Verdict, a.Requests, a.Findings, a.Seconds)
	}
}

func (c Course) show(unit float64) string {
	return fmt.Sprintf("%.0f, %.0f, %.0f, %.0f", c.First/unit, c.Settled/unit, c.Last/unit, c.Max/unit)
}
