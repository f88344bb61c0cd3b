package bench

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"onsale/api/contract"
)

// Report is what a sale came to. Durations are in the unit of their names.
type Report struct {
	Machine     string `json:"machine"`
	Nodes       int    `json:"nodes"`
	Durability  string `json:"durability"`
	Buyers      uint64 `json:"buyers"`
	Tickets     uint32 `json:"tickets"`
	Connections int    `json:"connections"`

	Phases

	Held      uint32 `json:"held"`
	Sold      uint32 `json:"sold"`
	Available uint32 `json:"available"`

	LeaderMicrosecondsPerRequest float64 `json:"leader_cpu_us_per_request"`
	ServerMicrosecondsPerRequest float64 `json:"servers_cpu_us_per_request"`
	LoadMicrosecondsPerRequest   float64 `json:"load_cpu_us_per_request"`
	LeaderMemoryBytes            int64   `json:"leader_memory_bytes"`

	Fsyncs         float64 `json:"fsyncs"`
	FsyncMillis    float64 `json:"fsync_mean_ms"`
	LogBytes       float64 `json:"log_bytes"`
	JournalBytes   float64 `json:"journal_bytes"`
	Batches        float64 `json:"batches"`
	RequestsABatch float64 `json:"requests_a_batch"`

	Ending
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d cores, %s, nodes and load on one machine",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}

func (r *Report) fill(o *SaleOptions, m *measured, before, after *observation, sale *contract.SaleDetail) {
	delta := func(name string) float64 { return after.metrics[name] - before.metrics[name] }
	perRequest := func(a, b time.Duration) float64 { return float64((b - a).Microseconds()) / float64(o.Buyers) }
	*r = Report{
		Machine: machine(), Nodes: o.Nodes, Durability: "fsync before every answer",
		Buyers: o.Buyers, Tickets: o.Tickets, Connections: o.Connections, Phases: newPhases(m),
		Held: sale.Held, Sold: sale.Sold, Available: sale.Available,
		LeaderMicrosecondsPerRequest: perRequest(before.leaderCPU, after.leaderCPU),
		ServerMicrosecondsPerRequest: perRequest(before.used.servers, after.used.servers),
		LoadMicrosecondsPerRequest:   perRequest(before.used.load, after.used.load),
		LeaderMemoryBytes:            after.leaderBytes,
		Fsyncs:                       delta("onsale_log_sync_seconds_count"),
		LogBytes:                     delta("onsale_log_written_bytes_total"),
		JournalBytes:                 delta("onsale_journal_written_bytes_total"),
		Batches:                      delta("onsale_batch_requests_count"),
	}
	r.FsyncMillis = delta("onsale_log_sync_seconds_sum") * 1000 / max(1, r.Fsyncs)
	r.RequestsABatch = delta("onsale_decisions_total") / max(1, r.Batches)
}

// Exact returns nil when every ticket is held, sold or on sale, exactly as many as
// were asked for are gone, and every audit is clean.
func (r *Report) Exact() error {
	gone := uint64(r.Held) + uint64(r.Sold)
	if gone != min(uint64(r.Tickets), r.Buyers) || gone+uint64(r.Available) != uint64(r.Tickets) {
		return fmt.Errorf("%w: %d tickets are gone and %d on sale; %d were for sale, %d were asked for",
			errInexact, gone, r.Available, r.Tickets, r.Buyers)
	}
	return r.Ending.Exact()
}

// Print writes the report as tables.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "machine     %s\nsetting     %d node(s), %s; %d buyers, %d tickets, %d connections\n\n",
		r.Machine, r.Nodes, r.Durability, r.Buyers, r.Tickets, r.Connections)
	r.Phases.print(w)
	fmt.Fprintf(w, "\nCPU a request      leader %.2f µs, all nodes %.2f µs, load %.2f µs; leader's memory %d MiB\n",
		r.LeaderMicrosecondsPerRequest, r.ServerMicrosecondsPerRequest, r.LoadMicrosecondsPerRequest,
		r.LeaderMemoryBytes>>20)
	fmt.Fprintf(w, "batches            %.0f of %.1f requests on average\n", r.Batches, r.RequestsABatch)
	fmt.Fprintf(w, "raft log           %.1f MB in %.0f fsyncs of %.3f ms on average; journal %.1f MB\n",
		r.LogBytes/1e6, r.Fsyncs, r.FsyncMillis, r.JournalBytes/1e6)

	fmt.Fprintf(w, "\ntickets            held %d, sold %d, available %d of %d\n", r.Held, r.Sold, r.Available, r.Tickets)
	r.Ending.print(w)
}
