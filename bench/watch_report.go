package bench

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"onsale/audit/report/page"
)

// WatchReport is what was seen of a cluster.
type WatchReport struct {
	Machine   string  `json:"machine"`
	Nodes     int     `json:"nodes"`
	FrontEnds int     `json:"front_ends"`
	Rate      int     `json:"arrivals_per_second"`
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
	Ending
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
	Courses map[string]Course `json:"courses"` // of processFigures
	// CPUPercent is of one core, from the first look to the last.
	CPUPercent float64 `json:"cpu_percent"`
	// Suspected is how often a node heard no leader for its time-out and asked whether the
	// others would vote; SteppedDown how often one that led heard no majority. Both are told
	// by raft's log lines.
	Suspected   int `json:"suspected"`
	SteppedDown int `json:"stepped_down"`
	Missed      int `json:"missed"` // looks at which it did not answer within 5 s
}

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
	r := &WatchReport{Machine: machine(), Nodes: o.Nodes, FrontEnds: o.FrontEnds, Rate: o.Rate,
		Seconds: w.looks[len(w.looks)-1].Seconds, Processes: map[string]ProcessCourse{}, Load: w.pressed, Looks: w.looks}
	var loads []float64
	for i := range w.looks {
		loads = append(loads, w.looks[i].LoadAverage)
	}
	r.LoadAverage = courseOf(loads)
	for _, n := range w.cluster.all() {
		course, before, now := w.course(n.id), w.before[n.id], alarmsOf(n)
		course.Suspected, course.SteppedDown = now.suspected-before.suspected, now.steppedDown-before.steppedDown
		r.Processes[n.id] = course
	}
	for _, n := range w.cluster.nodes {
		won, _ := w.growth(n.id, "elections_won")
		terms, _ := w.growth(n.id, "term")
		r.Elections += int(won)
		r.Terms = max(r.Terms, int(terms))
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

// of returns a figure of one process, of the looks at which it answered, and when they were.
func (w *watcher) of(id, figure string) (values, at []float64) {
	for i := range w.looks {
		if figures, is := w.looks[i].Processes[id]; is {
			values, at = append(values, figures[figure]), append(at, w.looks[i].Seconds)
		}
	}
	return values, at
}

// growth is by how much a figure grew, and in how many seconds.
func (w *watcher) growth(id, figure string) (grown, seconds float64) {
	values, at := w.of(id, figure)
	last := len(values) - 1
	if last < 1 {
		return 0, 1
	}
	return values[last] - values[0], at[last] - at[0]
}

func (w *watcher) course(id string) ProcessCourse {
	c := ProcessCourse{Missed: w.missed[id], Courses: map[string]Course{}}
	for figure := range processFigures {
		values, _ := w.of(id, figure)
		c.Courses[figure] = courseOf(values)
	}
	used, seconds := w.growth(id, "cpu_seconds")
	c.CPUPercent = 100 * used / seconds
	return c
}

// Print writes the report as tables.
func (r *WatchReport) Print(w io.Writer) {
	fmt.Fprintf(w, "machine     %s\nwatched     %d node(s), %d front-end(s) for %.0f s; load average %.1f, at most %.1f\n",
		r.Machine, r.Nodes, r.FrontEnds, r.Seconds, r.LoadAverage.Settled, r.LoadAverage.Max)
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
		of := func(figure string, unit float64) string { return p.Courses[figure].show(unit) }
		t.AppendRow(table.Row{id, of("files", 1), of("goroutines", 1), of("resident_bytes", 1<<20), of("heap_bytes", 1<<20),
			fmt.Sprintf("%.2f", p.CPUPercent), p.Missed, p.Suspected, p.SteppedDown})
	}
	fmt.Fprintf(w, "\n%s\nfirst, settled (median of the second quarter), last (median of the last quarter), most\n\n", t.Render())
	r.print(w)
}

func (c Course) show(unit float64) string {
	return fmt.Sprintf("%.0f, %.0f, %.0f, %.0f", c.First/unit, c.Settled/unit, c.Last/unit, c.Max/unit)
}

var (
	//go:embed assets/watch.html
	watchTemplate string
	//go:embed assets/watch.js
	watchScript template.JS
)

// watchContent is what the page's template shows, with the tables of the terminal.
type watchContent struct {
	*WatchReport
	Text string
}

// WriteHTML writes the report as one page with charts that stands for itself.
func (r *WatchReport) WriteHTML(w io.Writer) error {
	var text strings.Builder
	r.Print(&text)
	p := page.Page{Title: "A cluster, watched", Body: watchTemplate, Data: r, Script: watchScript,
		Content: watchContent{r, text.String()}}
	return p.Write(w)
}
