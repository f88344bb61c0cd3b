package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// LoadReport is what a load came to.
type LoadReport struct {
	Machine     string    `json:"machine"`
	Started     time.Time `json:"started"`
	Addresses   []string  `json:"addresses"`
	Sale        string    `json:"sale"`
	FirstBuyer  uint64    `json:"first_buyer"`
	Loop        string    `json:"loop"`                // closed or open
	Rate        int       `json:"arrivals_per_second"` // of an open loop
	Connections int       `json:"connections"`
	Duration    string    `json:"duration"`
	WarmUp      string    `json:"warm_up"`
	WarmUps     uint64    `json:"warm_up_requests"` // decided and not counted

	Selling LoadPhase `json:"selling"`
	SoldOut LoadPhase `json:"sold_out"`

	// LagMillis is by how much arrivals of an open loop were late because this process had
	// no time; it is part of the latencies. When it is as long as they are, the load needs
	// a faster machine, or one of its own.
	LagMillis map[string]float64 `json:"lag_ms,omitempty"`
	// LoadMicrosecondsPerRequest is this process's whole CPU time.
	LoadMicrosecondsPerRequest float64 `json:"load_cpu_us_per_request"`
	// Bytes are those of HTTP, without the headers below it, the warm-up's included.
	SentBytes               uint64  `json:"sent_bytes"`
	ReceivedBytes           uint64  `json:"received_bytes"`
	SentBytesPerSecond      float64 `json:"sent_bytes_per_second"`
	ReceivedBytesPerSecond  float64 `json:"received_bytes_per_second"`
	SentBytesPerRequest     float64 `json:"sent_bytes_per_request"`
	ReceivedBytesPerRequest float64 `json:"received_bytes_per_request"`

	Course []CourseRow `json:"course"`

	phases [2]*phase
}

// LoadPhase is one of selling and sold out. Its requests, rate and latencies are of those
// that got a decision.
type LoadPhase struct {
	PhaseReport
	MeanMillis float64           `json:"latency_mean_ms"`
	Failed     uint64            `json:"failed"` // without a decision
	Failures   map[string]uint64 `json:"failures"`
}

// tailPercentiles are the percentiles of a load.
var tailPercentiles = []percentile{{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}, {"max", 100}}

func newLoadReport(o *LoadOptions, l *load, m *measured, used time.Duration) *LoadReport {
	r := &LoadReport{Machine: machine(), Started: l.started.UTC(), Addresses: o.Addresses, Sale: o.Sale, FirstBuyer: o.First + 1, Loop: "closed", Rate: o.Rate,
		Connections: o.Connections, Duration: o.Duration.String(), WarmUp: o.WarmUp.String(), WarmUps: m.warm,
		Selling: loadPhase(m, 0), SoldOut: loadPhase(m, 1), Course: l.course.report(m.elapsed[0] + m.elapsed[1]), phases: m.phases}
	if o.Rate > 0 {
		r.Loop, r.LagMillis = "open", millisAt(m.lag, percentiles)
	}
	requests := float64(max(1, l.answered.Load()+m.phases[0].failed()+m.phases[1].failed()))
	r.LoadMicrosecondsPerRequest = used.Seconds() * 1e6 / requests
	r.SentBytes, r.ReceivedBytes = m.sent, m.received
	r.SentBytesPerRequest, r.ReceivedBytesPerRequest = float64(m.sent)/requests, float64(m.received)/requests
	seconds := max(1e-9, (l.warmUp + m.elapsed[0] + m.elapsed[1]).Seconds())
	r.SentBytesPerSecond, r.ReceivedBytesPerSecond = float64(m.sent)/seconds, float64(m.received)/seconds
	return r
}

func (r *LoadReport) phase(i int) *LoadPhase { return [...]*LoadPhase{&r.Selling, &r.SoldOut}[i] }

func loadPhase(m *measured, i int) LoadPhase {
	p := m.phases[i]
	report := LoadPhase{PhaseReport: phaseReport(p, m.elapsed[i]), Failed: p.failed(), Failures: p.failures}
	report.Millis = millisAt(p.latency, tailPercentiles)
	if p.latency.TotalCount() > 0 {
		report.MeanMillis = p.latency.Mean() / 1000
	}
	return report
}

// phaseNames are how people read them, in the order of the phases.
var phaseNames = [2]string{"while selling", "when sold out"}

// Print writes the report as tables.
func (r *LoadReport) Print(w io.Writer) {
	fmt.Fprintf(w, "machine     %s\nload        %s over %d connections to %s; %s, of which %s of warm-up are not counted\n\n",
		r.Machine, r.loop(), r.Connections, strings.Join(r.Addresses, ", "), r.Duration, r.WarmUp)
	header := table.Row{"", "decided", "failed", "seconds", "decided/s"}
	for _, p := range tailPercentiles {
		header = append(header, p.name+" ms")
	}
	t := newTable(header)
	for i, name := range phaseNames {
		t.AppendRow(r.phase(i).row(name))
	}
	fmt.Fprintln(w, t.Render())
	for i, name := range phaseNames {
		r.phase(i).printOutcomes(w, name)
	}
	r.printSelf(w)
}

func (r *LoadReport) loop() string {
	if r.Loop == "open" {
		return fmt.Sprintf("open loop, %d arrivals a second", r.Rate)
	}
	return "closed loop"
}

func (p *LoadPhase) row(name string) table.Row {
	row := table.Row{name, p.Requests, p.Failed, fmt.Sprintf("%.2f", p.Seconds), fmt.Sprintf("%.0f", p.Rate)}
	for _, q := range tailPercentiles {
		row = append(row, fmt.Sprintf("%.2f", p.Millis[q.name]))
	}
	return row
}

func (p *LoadPhase) printOutcomes(w io.Writer, name string) {
	fmt.Fprintf(w, "%-14s", name)
	for _, n := range slices.Sorted(maps.Keys(p.Outcomes)) {
		fmt.Fprintf(w, "  %s %d", n, p.Outcomes[n])
	}
	if p.Failed > 0 {
		fmt.Fprint(w, "; failed:")
		for _, n := range slices.Sorted(maps.Keys(p.Failures)) {
			fmt.Fprintf(w, "  %s %d", n, p.Failures[n])
		}
	}
	fmt.Fprintf(w, "  (retries %d)\n", p.Retries)
}

// printSelf says what the load itself took.
func (r *LoadReport) printSelf(w io.Writer) {
	fmt.Fprintf(w, "\nload's CPU   %.2f µs a request\n", r.LoadMicrosecondsPerRequest)
	fmt.Fprintf(w, "HTTP sent     %.2f MB, %.2f MB/s, %.0f bytes a request\n", float64(r.SentBytes)/1e6, r.SentBytesPerSecond/1e6, r.SentBytesPerRequest)
	fmt.Fprintf(w, "HTTP received %.2f MB, %.2f MB/s, %.0f bytes a request\n", float64(r.ReceivedBytes)/1e6, r.ReceivedBytesPerSecond/1e6,
		r.ReceivedBytesPerRequest)
	if r.LagMillis != nil {
		fmt.Fprintf(w, "load's lag   p50 %.2f ms, p99 %.2f ms, max %.2f ms: how late buyers arrived because of this process; it is in the latencies\n",
			r.LagMillis["p50"], r.LagMillis["p99"], r.LagMillis["max"])
	}
}

// Rows returns the phases for CSV, under a header.
func (r *LoadReport) Rows() (header []string, rows [][]string) {
	header = []string{"phase", "decided", "failed", "retries", "seconds", "decided_per_second", "mean_ms"}
	for _, q := range tailPercentiles {
		header = append(header, q.name+"_ms")
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }
	for i, name := range [...]string{phaseSelling, phaseSoldOut} {
		p := r.phase(i)
		row := []string{name, strconv.FormatInt(p.Requests, 10), strconv.FormatUint(p.Failed, 10), strconv.FormatUint(p.Retries, 10),
			number(p.Seconds), number(p.Rate), number(p.MeanMillis)}
		for _, q := range tailPercentiles {
			row = append(row, number(p.Millis[q.name]))
		}
		rows = append(rows, row)
	}
	return header, rows
}

func newTable(header table.Row) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(header)
	return t
}
