package payment

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/sequencer"
)

// counters are totals since the start.
type counters struct {
	begins, refusals, unanswered, overloaded atomic.Uint64
	outcomes                                 [sequencer.PayCancelled + 1]atomic.Uint64
	late, captured, voided, abandoned, lost  atomic.Uint64
	providerErrors, notices, badNotices      atomic.Uint64
	authorisations                           histogram
}

func (c *counters) begun(code sequencer.Code, err error) {
	if err == nil && code == sequencer.CodeOK {
		c.begins.Add(1)
	} else {
		c.refusals.Add(1)
	}
}

func (c *counters) settled(outcome sequencer.PayOutcome, r *sequencer.Result, err error) {
	switch {
	case err != nil:
	case r.Code == sequencer.CodeOK:
		c.outcomes[outcome].Add(1)
	case r.Code == sequencer.CodeLateSuccess:
		c.late.Add(1)
	}
}

// bounds are the upper bounds of the histogram's buckets, in seconds.
var bounds = [...]float64{0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10}

// histogram counts times without a lock.
type histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64
	sum     atomic.Int64 // nanoseconds
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d.Seconds() > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// Collector shows a desk to Prometheus.
type Collector struct {
	desk  *Desk
	descs map[string]*prometheus.Desc
}

// collected are the metrics by name; the counters of one name differ by a label.
var collected = []struct{ name, help, label string }{
	{"onsale_payment_attempts_total", "Payment attempts by what became of their beginning.", "result"},
	{"onsale_payment_outcomes_total", "Outcomes of payment attempts that were committed by this node.", "outcome"},
	{"onsale_payment_settled_total", "Steps of settling that were committed or given up by this node.", "step"},
	{"onsale_payment_unsettled", "Orders of which the provider must still be asked, as this replica shows them.", ""},
	{"onsale_payment_under_way", "Payments that this node works on.", ""},
	{"onsale_payment_provider_errors_total", "Calls to the payment provider without an answer.", ""},
	{"onsale_payment_notices_total", "Webhooks of the payment provider.", "result"},
	{"onsale_payment_authorisation_seconds", "Time of the provider to authorise.", ""},
}

// NewCollector returns a collector to register.
func NewCollector(d *Desk) *Collector {
	c := &Collector{desk: d, descs: map[string]*prometheus.Desc{}}
	for _, m := range collected {
		var labels []string
		if m.label != "" {
			labels = []string{m.label}
		}
		c.descs[m.name] = prometheus.NewDesc(m.name, m.help, labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range c.descs {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	count := func(name string, value uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.CounterValue, float64(value), labels...)
	}
	n := &c.desk.counters
	count("onsale_payment_attempts_total", n.begins.Load(), "begun")
	count("onsale_payment_attempts_total", n.refusals.Load(), "refused")
	count("onsale_payment_attempts_total", n.overloaded.Load(), "overloaded")
	for outcome := sequencer.PayAccepted; outcome <= sequencer.PayCancelled; outcome++ {
		if outcome != sequencer.PayUnknown {
			count("onsale_payment_outcomes_total", n.outcomes[outcome].Load(), outcome.String())
		}
	}
	count("onsale_payment_outcomes_total", n.late.Load(), "late_success")
	count("onsale_payment_outcomes_total", n.unanswered.Load(), "not_in_time")
	count("onsale_payment_settled_total", n.captured.Load(), "captured")
	count("onsale_payment_settled_total", n.voided.Load(), "voided")
	count("onsale_payment_settled_total", n.abandoned.Load(), "abandoned")
	count("onsale_payment_settled_total", n.lost.Load(), "not_capturable")
	count("onsale_payment_provider_errors_total", n.providerErrors.Load())
	count("onsale_payment_notices_total", n.notices.Load(), "taken")
	count("onsale_payment_notices_total", n.badNotices.Load(), "refused")
	gauge := func(name string, value int) {
		ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, float64(value))
	}
	gauge("onsale_payment_unsettled", c.desk.node.UnsettledCount())
	gauge("onsale_payment_under_way", len(c.desk.places))
	c.collectTimes(ch)
}

func (c *Collector) collectTimes(ch chan<- prometheus.Metric) {
	h, total, cumulative := &c.desk.counters.authorisations, uint64(0), map[float64]uint64{}
	for i := range h.buckets {
		total += h.buckets[i].Load()
		if i < len(bounds) {
			cumulative[bounds[i]] = total
		}
	}
	ch <- prometheus.MustNewConstHistogram(c.descs["onsale_payment_authorisation_seconds"], total, time.Duration(h.sum.Load()).Seconds(), cumulative)
}
