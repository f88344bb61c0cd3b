package raftfsm

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onsale/sequencer"
)

// scrape returns the samples of a node's metrics by their names with labels.
func scrape(t *testing.T, n *Node) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(n.Collector())
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	samples := map[string]float64{}
	for _, line := range strings.Split(answer.Body.String(), "\n") {
		name, text, is := strings.Cut(line, " ")
		value, err := strconv.ParseFloat(text, 64)
		if is && !strings.HasPrefix(line, "#") && err == nil {
			samples[name] = value
		}
	}
	return samples
}

// A node's page says what it was configured with, what it decided, and where it stands.
func TestMetricsOfANode(t *testing.T) {
	c := testConfig(t, "n1")
	c.InboxRequestsMax, c.InboxBytesMax, c.BatchRequestsMax, c.BatchBytesMax = 101, 1<<20, 103, 1<<17
	c.InFlightMax, c.SnapshotEntries, c.CheckBatches, c.TrailingEntries = 5, 106, 2, 1<<10
	c.Peer.ConnectionsMax = 107
	n := mustOpen(t, c)
	defer mustClose(t, n)
	eventually(t, "leadership", leads(n))
	sale := createSale(t, n, concert(10))
	for i := range 3 {
		if _, err := buyAs(n, fmt.Sprint("u", i), sale); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Snapshot(); err != nil {
		t.Fatal(err)
	}
	if n.Checks().Propose(map[string][]Checkpoint{"n1": n.Checks().Newest()}, 0) == 0 {
		t.Fatal("no check is proposed")
	}
	eventually(t, "the check is decided", func() bool { return n.machine.checkpoints.agreed.Load() > 0 })
	eventually(t, "nothing is under way", func() bool { return len(n.batcher.inFlight) == 0 })

	now, entries := n.Status(), n.data.Log.Wal().Stats().Records
	cached, bytes := n.data.Log.Cached()
	page := scrape(t, n)
	for name, want := range map[string]float64{
		"onsale_inbox_requests": 0, "onsale_inbox_bytes": 0, "onsale_inbox_requests_max": 101, "onsale_inbox_bytes_max": 1 << 20,
		"onsale_inbox_overloaded_total": 0, "onsale_inbox_wait_seconds_count": 4, "onsale_requests_refused_total": 0, "onsale_requests_unknown_total": 0,
		"onsale_batch_requests_count": 6, "onsale_batch_requests_sum": 5, "onsale_batch_requests_max": 103, "onsale_batch_bytes_count": 6,
		"onsale_batch_bytes_max": 1 << 17, "onsale_batches_in_flight": 0, "onsale_batches_in_flight_max": 5,
		"onsale_proposals_total": 5, "onsale_ticks_total": 1, "onsale_commit_seconds_count": 5, "onsale_decide_seconds_count": 6,
		"onsale_decisions_total": 5, "onsale_events_total": 0,
		"onsale_stall_max_seconds": c.StallMax.Seconds(), "onsale_stall_together_max_seconds": c.StallTogetherMax.Seconds(),
		`onsale_stall_seconds{part="log"}`: 0, `onsale_stall_seconds{part="apply"}`: 0, `onsale_unfit{cause="hung"}`: 0, `onsale_hand_overs_total{cause="clock"}`: 0,
		"onsale_log_entries_total": float64(entries),
		"onsale_log_segments":      1, "onsale_log_cached_entries": float64(cached), "onsale_log_cached_entries_max": 1024,
		"onsale_log_bytes": float64(c.LogSegmentBytes), "onsale_log_kept_bytes_max": 512 << 20, "onsale_log_kept_entries": 0, "onsale_log_forsaken_total": 0,
		"onsale_members_awaited": 0, "onsale_member_away_max_seconds": 120, "onsale_snapshots_sending": 0, "onsale_snapshots_installed_total": 0,
		"onsale_raft_leader_commit_index": float64(now.CommitIndex),
		"onsale_log_cached_bytes":         float64(bytes), "onsale_log_cached_bytes_max": 64 << 20,
		`onsale_repaired_bytes{log="raft"}`: 0, `onsale_repaired_bytes{log="journal"}`: 0,
		"onsale_journal_seconds_count": 6, "onsale_journal_height": 6, "onsale_journal_first_height": 1,
		"onsale_births": 1, "onsale_births_max": sequencer.BirthsMax, "onsale_applied_seq": 5, "onsale_sales": 1, "onsale_sales_max": sequencer.SalesMax, "onsale_orders": 3, "onsale_orders_max": sequencer.OrdersMax,
		"onsale_changes_remembered": 0, "onsale_changes_remembered_max": 1 << 16, "onsale_changes_forgotten_total": 0,
		"onsale_leader": 1, "onsale_leader_known": 1, "onsale_level": 1, "onsale_leader_contact_seconds": 0, "onsale_raft_term": float64(now.Term),
		"onsale_raft_last_index": float64(now.LastIndex), "onsale_raft_commit_index": float64(now.CommitIndex),
		"onsale_raft_applied_index": float64(now.AppliedIndex), "onsale_elections_won_total": 1, "onsale_clock_alarms_total": 0, "onsale_disk_low": 0, "onsale_buys_held": 0, "onsale_read_only": 0, "onsale_buys_held_refused_total": 0,
		`onsale_snapshots_total{result="taken"}`: 1, `onsale_snapshots_total{result="failed"}`: 0, "onsale_snapshot_seconds_count": 1,
		"onsale_snapshot_pause_seconds_count": 1, "onsale_snapshot_index": float64(n.data.Snapshots.Index()), "onsale_snapshot_interval_entries": 106,
		`onsale_checks_total{result="agreed"}`: 1, `onsale_checks_total{result="undecided"}`: 0, `onsale_checks_total{result="skipped"}`: 0,
		`onsale_checks_total{result="malformed"}`: 0, "onsale_check_interval_batches": 2, `onsale_replica_diverged{member="n1"}`: 0,
		"onsale_peer_connections_max": 107, "onsale_peer_connections_refused_total": 0,
		`onsale_sale_tickets{sale="concert",state="held"}`: 3,
	} {
		if got, published := page[name]; !published || got != want {
			t.Errorf("%s is %v (published: %t), want %v", name, got, published, want)
		}
	}
	for _, name := range []string{"onsale_batch_bytes_sum", "onsale_log_sync_seconds_count", "onsale_log_written_bytes_total", "onsale_journal_written_bytes_total",
		"onsale_disk_free_bytes", "onsale_disk_size_bytes", "onsale_disk_reserve_bytes", `onsale_state_lock_longest_seconds{by="change"}`, `onsale_state_lock_longest_seconds{by="read"}`, "onsale_state_read_longest_cpu_seconds",
		"onsale_log_entries_total", "onsale_snapshot_index", "onsale_peer_connections", "onsale_log_cached_bytes"} {
		if page[name] <= 0 {
			t.Errorf("%s is %v", name, page[name])
		}
	}
	if _, published := page["onsale_clock_ahead_seconds"]; !published {
		t.Error("how far the clock is ahead is not published")
	}
	if free, size := page["onsale_disk_free_bytes"], page["onsale_disk_size_bytes"]; free > size {
		t.Errorf("%v of %v bytes are free", free, size)
	}
}
