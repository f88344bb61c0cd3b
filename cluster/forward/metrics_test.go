package forward

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/sequencer"
)

// gathered returns every metric of a collector by its name; a histogram is its count.
func gathered(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		one := family.GetMetric()[0]
		values[family.GetName()] = one.GetGauge().GetValue() + one.GetCounter().GetValue() + float64(one.GetHistogram().GetSampleCount())
	}
	return values
}

// wantMetrics holds all that is published against what was counted.
func wantMetrics(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if value, known := want[name]; !known || value != got[name] {
			t.Errorf("%s is %v, want %v (known %t)", name, got[name], value, known)
		}
	}
	for name := range want {
		if _, published := got[name]; !published {
			t.Errorf("%s is not published", name)
		}
	}
}

// What the way to the leader and the server count is published, each as its own.
func TestMetricsArePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPair(t)
		f := p.frontEnd(t, "n1")
		time.Sleep(5 * MirrorInterval / 2)
		f.client.Close() // so that nothing moves
		defer f.Watch(1, func() {})()
		n := &f.client.counters
		n.Batches.Store(2)
		n.Requests.Store(3)
		n.Repeated.Store(4)
		n.NoLeader.Store(5)
		n.Unknown.Store(6)
		n.Sessions.Store(7)
		n.Waits.Observe(1)
		n.RoundTrips.Observe(1)
		n.RoundTrips.Observe(1)
		n.BatchSizes.Observe(1)
		f.client.inbox.Shut(sequencer.ErrStopping)
		_, _ = f.client.Decide(buyOf("ann")) // refused, which counts as no-leader

		client := map[string]float64{
			"onsale_forward_open": 0, "onsale_forward_waiting": 0, "onsale_forward_waiting_max": float64(f.client.config.QueueRequestsMax),
			"onsale_forward_waiting_bytes": 0, "onsale_forward_waiting_bytes_max": float64(f.client.config.QueueBytesMax),
			"onsale_forward_overloaded_total": 0, "onsale_forward_wait_seconds": 1, "onsale_forward_batch_requests": 1,
			"onsale_forward_batch_requests_max": float64(f.client.config.BatchRequestsMax), "onsale_forward_round_trip_seconds": 2,
			"onsale_forward_batches_total": 2, "onsale_forward_requests_total": 3, "onsale_forward_repeated_total": 4,
			"onsale_forward_storage_low_total": 0, "onsale_forward_no_leader_total": 6, "onsale_forward_outcome_unknown_total": 6, "onsale_forward_sessions_total": 7,
			"onsale_order_watchers": 1,
		}
		want := maps.Clone(client)
		want["onsale_mirror_applied_seq"], want["onsale_mirror_age_seconds"] = float64(p.late.Seq), f.Age().Seconds()
		want["onsale_leader_age_seconds"] = min(f.LeaderAge(), time.Hour).Seconds()
		wantMetrics(t, gathered(t, f.Collector()), want)

		server := p.leader.server
		server.counters.Batches.Store(8)
		server.counters.Requests.Store(9)
		server.counters.Questions.Store(10)
		server.counters.asking.Store(11)
		server.counters.Refused.Store(12)
		server.counters.Pages.Store(13)
		want = map[string]float64{
			"onsale_forwarded_batches_total": 8, "onsale_forwarded_requests_total": 9, "onsale_peer_questions_total": 10,
			"onsale_peer_questions_open": 11, "onsale_peer_questions_open_max": float64(server.config.QuestionsMax),
			"onsale_peer_refused_total": 12, "onsale_journal_pages_served_total": 13,
		}
		for name, value := range gathered(t, p.leader.replica.Collector(server)) {
			if expected, known := want[name]; known && value != expected {
				t.Errorf("%s is %v, want %v", name, value, expected)
			} else if _, of := client[name]; !known && !of {
				t.Errorf("%s is not expected", name)
			}
			delete(want, name)
		}
		if len(want) > 0 {
			t.Errorf("not published: %v", want)
		}
	})
}
