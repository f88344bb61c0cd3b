package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/jedib0t/go-pretty/v6/table"
)

// The two phases of a sale, always apart.
const (
	phaseSelling = "selling"
	phaseSoldOut = "sold_out"
)

// Phases are a run, in two parts and second by second.
type Phases struct {
	Selling PhaseReport `json:"selling"`
	SoldOut PhaseReport `json:"sold_out"`
	Course  []CourseRow `json:"course"`
}

// PhaseReport is one of selling and sold out. Its requests, rate and latencies are of those
// that got a decision.
type PhaseReport struct {
	Seconds    float64            `json:"seconds"`
	Requests   int64              `json:"requests"`
	Rate       float64            `json:"requests_per_second"`
	Millis     map[string]float64 `json:"latency_ms"`
	MeanMillis float64            `json:"latency_mean_ms"`
	Outcomes   map[string]uint64  `json:"outcomes"`
	Retries    uint64             `json:"retries"`
	Failed     uint64             `json:"failed"` // without a decision
	Failures   map[string]uint64  `json:"failures"`

	latency *hdrhistogram.Histogram // of the decided, microseconds
}

func newPhase() *PhaseReport {
	return &PhaseReport{latency: newLatency(), Outcomes: map[string]uint64{}, Failures: map[string]uint64{}}
}

func (p *PhaseReport) merge(q *PhaseReport) {
	p.latency.Merge(q.latency)
	p.Retries += q.Retries
	for name, count := range q.Outcomes {
		p.Outcomes[name] += count
	}
	for name, count := range q.Failures {
		p.Failures[name] += count
	}
}

// over returns the report of a phase that took so long.
func (p *PhaseReport) over(elapsed time.Duration) PhaseReport {
	p.Seconds, p.Requests, p.Millis, p.Failed = elapsed.Seconds(), p.latency.TotalCount(), millis(p.latency), sum(p.Failures)
	p.Rate = float64(p.Requests) / max(1e-9, p.Seconds)
	if p.Requests > 0 {
		p.MeanMillis = p.latency.Mean() / 1000
	}
	return *p
}

// CourseRow is one second of a run, by when the answers came. The last one may be shorter
// than the others, or longer.
type CourseRow struct {
	FromSeconds float64 `json:"from_seconds"` // after the warm-up
	Seconds     float64 `json:"seconds"`
	Decided     uint64  `json:"decided"`
	Failed      uint64  `json:"failed"`
	Rate        float64 `json:"decided_per_second"`
}

// percentiles are those that reports show.
var percentiles = []struct {
	name string
	at   float64
}{{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99},
	{"max", 100}}

func millis(h *hdrhistogram.Histogram) map[string]float64 {
	values := map[string]float64{}
	for _, p := range percentiles {
		values[p.name] = float64(h.ValueAtPercentile(p.at)) / 1000
	}
	return values
}

func newPhases(m *measured) Phases {
	return Phases{m.phases[0].over(m.elapsed[0]), m.phases[1].over(m.elapsed[1]), m.seconds()}
}

// seconds returns the course of a run that has ended.
func (m *measured) seconds() []CourseRow {
	for i := range m.course {
		row := &m.course[i]
		left := m.took().Seconds() - row.FromSeconds
		row.Seconds = min(1, max(0.001, left))
		if i == len(m.course)-1 {
			row.Seconds = max(row.Seconds, left)
		}
		row.Rate = float64(row.Decided) / row.Seconds
	}
	return m.course
}

// print writes both phases as a table, and what was decided in them.
func (r *Phases) print(w io.Writer) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0
	header := table.Row{"", "decided", "failed", "seconds", "decided/s"}
	for _, p := range percentiles {
		header = append(header, p.name+" ms")
	}
	t.AppendHeader(header)
	var told strings.Builder
	for _, row := range []struct {
		name string
		*PhaseReport
	}{{"while selling", &r.Selling}, {"when sold out", &r.SoldOut}} {
		cells := table.Row{row.name, row.Requests, row.Failed, fmt.Sprintf("%.2f", row.Seconds), fmt.Sprintf("%.0f", row.Rate)}
		for _, p := range percentiles {
			cells = append(cells, fmt.Sprintf("%.2f", row.Millis[p.name]))
		}
		t.AppendRow(cells)
		row.printOutcomes(&told, row.name)
	}
	fmt.Fprintf(w, "%s\n%s", t.Render(), told.String())
}

func (p *PhaseReport) printOutcomes(w io.Writer, name string) {
	fmt.Fprintf(w, "%-14s%s", name, listed(p.Outcomes))
	if p.Failed > 0 {
		fmt.Fprint(w, "; failed:", listed(p.Failures))
	}
	fmt.Fprintf(w, "  (retries %d)\n", p.Retries)
}

func listed(counts map[string]uint64) (text string) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		text += fmt.Sprintf("  %s %d", name, counts[name])
	}
	return text
}
