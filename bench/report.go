package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/jedib0t/go-pretty/v6/table"

	"onsale/api/contract"
	"onsale/audit"
)

// Report is what a run came to. Durations are in the unit of their names.
type Report struct {
	Machine     string `json:"machine"`
	Nodes       int    `json:"nodes"`
	Durability  string `json:"durability"`
	Buyers      uint64 `json:"buyers"`
	Tickets     uint32 `json:"tickets"`
	Connections int    `json:"connections"`

	Selling PhaseReport `json:"selling"`
	SoldOut PhaseReport `json:"sold_out"`
	// Parts are the whole sale, a million buyers after the other or a tenth of them.
	Parts []Part `json:"parts"`

	Held      uint32 `json:"held"`
	Sold      uint32 `json:"sold"`
	Available uint32 `json:"available"`
	Waiting   uint32 `json:"waiting"`

	LeaderMicrosecondsPerRequest float64 `json:"leader_cpu_us_per_request"`
	ServerMicrosecondsPerRequest float64 `json:"servers_cpu_us_per_request"`
	LoadMicrosecondsPerRequest   float64 `json:"load_cpu_us_per_request"`
	LeaderMemoryBytes            int64   `json:"leader_memory_bytes"`

	Fsyncs          float64 `json:"fsyncs"`
	FsyncMillis     float64 `json:"fsync_mean_ms"`
	LogBytes        float64 `json:"log_bytes"`
	JournalBytes    float64 `json:"journal_bytes"`
	Batches         float64 `json:"batches"`
	RequestsABatch  float64 `json:"requests_a_batch"`
	DecideNanos     float64 `json:"decide_ns_per_request"`
	JournalingNanos float64 `json:"journal_ns_per_request"`

	Replicas []nodeStatus  `json:"replicas"`
	Audits   []AuditReport `json:"audits"`
}

// PhaseReport is one of selling and sold out.
type PhaseReport struct {
	Seconds  float64            `json:"seconds"`
	Requests int64              `json:"requests"`
	Rate     float64            `json:"requests_per_second"`
	Millis   map[string]float64 `json:"latency_ms"`
	Outcomes map[string]uint64  `json:"outcomes"`
	Retries  uint64             `json:"retries"`
}

// AuditReport is what the audit of one node's journal said.
type AuditReport struct {
	Node      string  `json:"node"`
	Verdict   string  `json:"verdict"`
	Requests  uint64  `json:"requests"`
	Findings  uint64  `json:"findings"`
	ChainHead string  `json:"chain_head"`
	Seconds   float64 `json:"seconds"`
}

// percentile is one that reports show.
type percentile struct {
	name string
	at   float64
}

var percentiles = []percentile{{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"max", 100}}

func newReport(o *SaleOptions, m *measured, before, after *observation, sale *contract.SaleDetail) *Report {
	delta := func(name string) float64 { return after.metrics[name] - before.metrics[name] }
	requests := float64(o.Buyers)
	perRequest := func(a, b time.Duration) float64 { return float64((b - a).Microseconds()) / requests }
	each := func(seconds float64) float64 { return seconds * 1e9 / max(1, delta("onsale_decisions_total")) }
	r := &Report{
		Machine: machine(), Nodes: o.Nodes, Durability: "fsync before every answer", Buyers: o.Buyers, Tickets: o.Tickets, Connections: o.Connections,
		Selling: phaseReport(m.phases[0], m.elapsed[0]), SoldOut: phaseReport(m.phases[1], m.elapsed[1]),
		Held: sale.Held, Sold: sale.Sold, Available: sale.Available, Waiting: sale.Waiting,
		LeaderMicrosecondsPerRequest: perRequest(before.leaderCPU, after.leaderCPU),
		ServerMicrosecondsPerRequest: perRequest(before.serverCPU, after.serverCPU),
		LoadMicrosecondsPerRequest:   perRequest(before.loadCPU, after.loadCPU),
		LeaderMemoryBytes:            after.leaderBytes,
		Fsyncs:                       delta("onsale_log_sync_seconds_count"),
		LogBytes:                     delta("onsale_log_written_bytes_total"),
		JournalBytes:                 delta("onsale_journal_written_bytes_total"),
		Batches:                      delta("onsale_batch_requests_count"),
		DecideNanos:                  each(delta("onsale_decide_seconds_sum")),
		JournalingNanos:              each(delta("onsale_journal_seconds_sum")),
	}
	r.FsyncMillis = delta("onsale_log_sync_seconds_sum") * 1000 / max(1, r.Fsyncs)
	r.RequestsABatch = delta("onsale_decisions_total") / max(1, r.Batches)
	return r
}

func phaseReport(p *phase, elapsed time.Duration) PhaseReport {
	return PhaseReport{
		Seconds: elapsed.Seconds(), Requests: p.latency.TotalCount(),
		Rate: float64(p.latency.TotalCount()) / max(1e-9, elapsed.Seconds()), Millis: millis(p.latency),
		Outcomes: p.outcomes, Retries: p.retries,
	}
}

func millis(h *hdrhistogram.Histogram) map[string]float64 { return millisAt(h, percentiles) }

func millisAt(h *hdrhistogram.Histogram, at []percentile) map[string]float64 {
	values := map[string]float64{}
	for _, p := range at {
		values[p.name] = float64(h.ValueAtPercentile(p.at)) / 1000
	}
	return values
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d cores, %s, nodes and load on one machine", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}

func auditOf(node string, found *audit.Report) AuditReport {
	return AuditReport{Node: node, Verdict: string(found.Verdict), Requests: found.Requests, Findings: found.FindingCount, ChainHead: found.ChainHead, Seconds: found.Seconds}
}

// Exact returns nil when every ticket is held, sold or on sale, exactly as many as
// were asked for are gone, and every audit is clean.
func (r *Report) Exact(o SaleOptions) error {
	gone := uint64(r.Held) + uint64(r.Sold)
	wanted := min(uint64(o.Tickets), o.Buyers*uint64(o.Quantity))
	if gone/uint64(o.Quantity) != wanted/uint64(o.Quantity) || gone+uint64(r.Available) != uint64(o.Tickets) {
		return fmt.Errorf("%w: %d tickets are gone and %d on sale; %d were for sale, %d were asked for",
			errInexact, gone, r.Available, o.Tickets, o.Buyers*uint64(o.Quantity))
	}
	return clean(r.Audits)
}

// clean returns nil when every audit is.
func clean(audits []AuditReport) error {
	for _, a := range audits {
		if a.Verdict != string(audit.VerdictClean) {
			return fmt.Errorf("%w: the audit of %s says %q (%d findings)", errInexact, a.Node, a.Verdict, a.Findings)
		}
	}
	return nil
}

var errInexact = fmt.Errorf("the sale was not exact")

// Print writes the report as tables.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "machine     %s\nsetting     %d node(s), %s; %d buyers, %d tickets, %d connections\n\n",
		r.Machine, r.Nodes, r.Durability, r.Buyers, r.Tickets, r.Connections)
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	header := table.Row{"", "requests", "seconds", "requests/s"}
	for _, p := range percentiles {
		header = append(header, p.name+" ms")
	}
	t.AppendHeader(header)
	t.AppendRow(r.Selling.row("while selling"))
	t.AppendRow(r.SoldOut.row("when sold out"))
	fmt.Fprintln(w, t.Render())
	r.Selling.printOutcomes(w, "selling: ")
	r.SoldOut.printOutcomes(w, "sold out:")
	r.printParts(w)
	r.printCosts(w)
	r.printBooks(w)
}

func (p *PhaseReport) row(name string) table.Row {
	row := table.Row{name, p.Requests, fmt.Sprintf("%.2f", p.Seconds), fmt.Sprintf("%.0f", p.Rate)}
	for _, q := range percentiles {
		row = append(row, fmt.Sprintf("%.2f", p.Millis[q.name]))
	}
	return row
}

func (p *PhaseReport) printOutcomes(w io.Writer, name string) {
	var names []string
	for n := range p.Outcomes {
		names = append(names, n)
	}
	slices.Sort(names)
	fmt.Fprint(w, name)
	for _, n := range names {
		fmt.Fprintf(w, "  %s %d", n, p.Outcomes[n])
	}
	fmt.Fprintf(w, "  (retries %d)\n", p.Retries)
}

// printParts says whether the sale became slower as it went on.
func (r *Report) printParts(w io.Writer) {
	if len(r.Parts) < 2 {
		return
	}
	t := newTable(table.Row{"requests", "seconds", "requests/s", "leader's memory MiB"})
	for _, p := range r.Parts {
		t.AppendRow(table.Row{p.Requests, fmt.Sprintf("%.2f", p.Seconds), fmt.Sprintf("%.0f", p.Rate), p.LeaderMemoryBytes >> 20})
	}
	fmt.Fprintln(w, t.Render())
}

func (r *Report) printCosts(w io.Writer) {
	fmt.Fprintf(w, "\nCPU a request      leader %.2f µs, all nodes %.2f µs, load %.2f µs; leader's memory %d MiB\n",
		r.LeaderMicrosecondsPerRequest, r.ServerMicrosecondsPerRequest, r.LoadMicrosecondsPerRequest, r.LeaderMemoryBytes>>20)
	fmt.Fprintf(w, "batches            %.0f of %.1f requests on average\n", r.Batches, r.RequestsABatch)
	fmt.Fprintf(w, "raft log           %.1f MB in %.0f fsyncs of %.3f ms on average\n", r.LogBytes/1e6, r.Fsyncs, r.FsyncMillis)
	fmt.Fprintf(w, "journal            %.1f MB; deciding %.0f ns, journaling %.0f ns a request\n", r.JournalBytes/1e6, r.DecideNanos, r.JournalingNanos)
}

func (r *Report) printBooks(w io.Writer) {
	fmt.Fprintf(w, "\ntickets            held %d, sold %d, available %d of %d; waiting orders %d\n", r.Held, r.Sold, r.Available, r.Tickets, r.Waiting)
	for _, s := range r.Replicas {
		fmt.Fprintf(w, "replica %-10s seq %d, state hash %s, journal hash %.16s…\n", s.NodeID, s.Seq, s.StateHash, s.JournalHash)
	}
	for _, a := range r.Audits {
		fmt.Fprintf(w, "audit of %-9s %s: %d requests decided again, %d findings, %.1f s\n", a.Node, a.Verdict, a.Requests, a.Findings, a.Seconds)
	}
}
