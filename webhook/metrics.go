package webhook

import (
	"github.com/prometheus/client_golang/prometheus"

	"onsale/api/contract"
	"onsale/internal/metric"
)

// Collector publishes the metrics of all endpoints; there are EndpointsMax at most.
func (e *Engine) Collector() prometheus.Collector {
	set, labels := new(metric.Set), []string{"endpoint"}
	each := func(read func(*contract.Webhook) float64) func(metric.Show) {
		return func(show metric.Show) {
			for _, status := range e.Statuses() {
				show(read(&status), status.Name)
			}
		}
	}
	set.Gauges("onsale_webhook_lag_seconds", "Age of the oldest event that is not delivered.", labels,
		each(func(w *contract.Webhook) float64 { return w.LagSeconds }))
	set.Gauges("onsale_webhook_pending_events", "Events that were read and are not delivered.", labels,
		each(func(w *contract.Webhook) float64 { return float64(w.Pending) }))
	set.Gauge("onsale_webhook_pending_events_max", "Bound of onsale_webhook_pending_events of each endpoint; beyond it no events are read.",
		func() float64 { return PendingMax })
	set.Gauges("onsale_webhook_dead_events", "Events that were given up.", labels,
		each(func(w *contract.Webhook) float64 { return float64(w.Dead) }))
	set.Gauge("onsale_webhook_dead_events_max", "Bound of onsale_webhook_dead_events of each endpoint; one that has so many is stopped.",
		func() float64 { return DeadMax })
	set.Gauges("onsale_webhook_stopped", "1 while nothing is sent to an endpoint until somebody says go on.", labels,
		each(func(w *contract.Webhook) float64 { return metric.Bool(w.Stopped != nil) }))
	set.Gauges("onsale_webhook_feed_failing", "1 while the feed cannot be read for an endpoint.", labels,
		each(func(w *contract.Webhook) float64 { return metric.Bool(w.FeedError != "") }))
	set.Gauges("onsale_webhook_clock_offset_seconds", "Seconds by which a receiver's clock is ahead, as its last answer said.", labels,
		each(func(w *contract.Webhook) float64 { return w.ClockSeconds }))
	set.Counters("onsale_webhook_attempts_total", "Attempts to deliver, by how they ended.", []string{"endpoint", "outcome"}, func(show metric.Show) {
		for _, r := range e.all() {
			for n, name := range resultNames {
				show(float64(r.courier.shown.attempts[n].Load()), r.courier.name, name)
			}
		}
	})
	set.Counters("onsale_webhook_feed_errors_total", "Questions to the feed that failed.", labels, func(show metric.Show) {
		for _, r := range e.all() {
			show(float64(r.courier.shown.feedErrors.Load()), r.courier.name)
		}
	})
	return set
}
