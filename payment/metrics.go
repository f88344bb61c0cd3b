package payment

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
	"onsale/sequencer"
)

// counters are totals since the start.
type counters struct {
	begins, refusals, unanswered, overloaded, joined atomic.Uint64
	outcomes                                         [sequencer.PayCancelled + 1]atomic.Uint64
	late, captured, voided, abandoned, lost          atomic.Uint64
	orphans, bounced                                 atomic.Uint64 // given back, and not taken by the buyer's bank
	unheard                                          atomic.Uint64 // ended in no line
	notices, badNotices                              atomic.Uint64
	noticed                                          atomic.Int64 // when the newest good notice came, Unix nanoseconds; 0 for none
	overdue, settling, elsewhere                     atomic.Int64
	notAccepted                                      atomic.Bool
	differences, reconciled                          atomic.Int64 // of the newest reconciliation, and when it ended
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

// Collector shows the desk to Prometheus.
func (d *Desk) Collector() prometheus.Collector {
	s := new(metric.Set)
	d.attemptMetrics(s)
	d.lineMetrics(s)
	d.settleMetrics(s)
	d.providerMetrics(s)
	d.reconcileMetrics(s)
	return s
}

func (d *Desk) attemptMetrics(s *metric.Set) {
	n := &d.counters
	s.Counters("onsale_payment_attempts_total", "Requests to pay by what became of them: an attempt begun, refused, overloaded, or joined to one under way by the same means.", []string{"result"}, func(show metric.Show) {
		show(float64(n.begins.Load()), "begun")
		show(float64(n.refusals.Load()), "refused")
		show(float64(n.overloaded.Load()), "overloaded")
		show(float64(n.joined.Load()), "joined")
	})
	s.Counters("onsale_payment_outcomes_total", "Outcomes of payment attempts that were committed by this node.", []string{"outcome"}, func(show metric.Show) {
		for outcome := sequencer.PayAccepted; outcome <= sequencer.PayCancelled; outcome++ {
			if outcome != sequencer.PayUnknown {
				show(float64(n.outcomes[outcome].Load()), outcome.String())
			}
		}
		show(float64(n.late.Load()), "late_success")
		show(float64(n.unanswered.Load()), "not_in_time")
	})
	s.Gauge("onsale_payment_under_way", "Attempts to pay of which this node asks the provider.", func() float64 { return float64(d.line.state().running[classAttempt]) })
	s.Gauge("onsale_payment_under_way_max", "Bound of onsale_payment_under_way; beyond it attempts wait, and while no rate is in force they are answered overloaded.", func() float64 { return float64(d.config.PaymentsMax) })
}

func (d *Desk) lineMetrics(s *metric.Set) {
	s.Gauges("onsale_payment_line", "Calls that wait for their turn at the payment provider, by class: outcomes go before attempts, attempts before captures.", []string{"class"}, func(show metric.Show) {
		state := d.line.state()
		for c, name := range classNames {
			show(float64(state.waiting[c]), name)
		}
	})
	s.Gauge("onsale_payment_line_wait_seconds", "How long an attempt that joins the line now waits, as it is told.", func() float64 { return d.line.state().wait.Seconds() })
	s.Gauge("onsale_payment_line_wait_max_seconds", "Bound of onsale_payment_line_wait_seconds; beyond it payments are answered overloaded.", func() float64 { return d.config.LineMax.Seconds() })
	s.Gauge("onsale_payment_rate", "Calls a second to the payment provider that are let go, as configured or learned; +Inf for no bound.", func() float64 { return d.line.state().rate })
	s.Gauge("onsale_payment_rate_configured", "The rate as configured (provider-rate, or the provider's own); +Inf for none.", func() float64 { return d.line.pace.top })
	s.Counter("onsale_payment_called_total", "Attempts in the line whose calls were committed ahead of their turn (pay_called).", func() uint64 { return d.line.state().calls.called })
	s.Counter("onsale_payment_call_commits_total", "How often calls of attempts in the line were committed, each time those of about a second.", func() uint64 { return d.line.state().calls.commits })
	s.Counter("onsale_payment_throttled_total", "Calls that the payment provider refused because they came too fast (429); they are made again.", func() uint64 { return d.line.state().refused })
	s.TimesBy("onsale_payment_line_seconds", "Time that calls waited for their turn at the payment provider.", "class", classNames[:], func(i int) *metric.Times { return &d.line.waited[i] })
}

func (d *Desk) settleMetrics(s *metric.Set) {
	n := &d.counters
	s.Counters("onsale_payment_settled_total", "Steps of settling that were committed or given up by this node.", []string{"step"}, func(show metric.Show) {
		show(float64(n.captured.Load()), "captured")
		show(float64(n.voided.Load()), "voided")
		show(float64(n.abandoned.Load()), "abandoned")
		show(float64(n.lost.Load()), "not_capturable")
		show(float64(n.orphans.Load()), "orphan_refunded")
		show(float64(n.bounced.Load()), "refund_failed")
		show(float64(n.unheard.Load()), "never_called")
	})
	s.Gauge("onsale_payment_unsettled", "Orders of which the provider must still be asked, as this replica shows them.", func() (count float64) {
		d.node.Read(func(s sequencer.Reader) { count = float64(s.UnsettledCount() - s.ForeignUnsettledCount()) })
		return count
	})
	s.Gauge("onsale_payment_foreign", "Unsettled orders of before the cluster was made as a copy, of which nobody is asked; 0 in one that is no copy.", func() (count float64) {
		d.node.Read(func(s sequencer.Reader) { count = float64(s.ForeignUnsettledCount()) })
		return count
	})
	s.Gauge("onsale_payment_awaiting_action", "Unsettled orders whose newest attempt waits for the buyer to authenticate (3-D Secure), as the leader was told last; 0 on other nodes.", func() float64 { return float64(d.awaiting()) })
	s.Gauge("onsale_payment_unsettled_oldest_seconds", "For how long this node, as the leader, has worked on the oldest of them that does not wait for its buyer; 0 on other nodes.", func() float64 { return d.oldest().Seconds() })
	s.Gauge("onsale_payment_overdue", "Orders that are paying beyond the hard limit, as the leader found them last; 0 on other nodes.", func() float64 { return float64(n.overdue.Load()) })
	s.Gauge("onsale_payment_denied", "Orders whose money must be captured or go back, and of which the provider says that it never had it, or cancelled it; as the leader was told last, 0 on other nodes.", func() float64 { return float64(d.denied()) })
	s.Gauge("onsale_payment_other_account", "Orders whose money must be asked about, captured or given back under another account than this node's provider has, which is not asked; as the leader found them last, 0 on other nodes.", func() float64 { return float64(n.elsewhere.Load()) })
	s.Gauge("onsale_payment_account_not_accepted", "1 while the leader's provider has another account than the accepted one, so that nobody can pay; 0 on other nodes.", func() float64 {
		if n.notAccepted.Load() {
			return 1
		}
		return 0
	})
	s.Gauge("onsale_payment_refunds_failed", "Attempts whose money must go back and whose refund failed for good, until a seller has acknowledged it, as this replica shows them.", func() (count float64) {
		d.node.Read(func(s sequencer.Reader) { count = float64(s.RefundsFailedCount()) })
		return count
	})
	s.Gauges("onsale_payment_disputes", "Disputes (chargebacks) by how they stand, as this replica shows them.", []string{"status"}, func(show metric.Show) {
		var counts [sequencer.DisputeStatusMax + 1]int
		d.node.Read(func(s sequencer.Reader) { counts, _ = s.DisputeCounts() })
		for status := sequencer.DisputeNeedsResponse; status <= sequencer.DisputeStatusMax; status++ {
			show(float64(counts[status]), status.String())
		}
	})
	s.Gauge("onsale_payment_dispute_evidence_timestamp_seconds", "Until when evidence may be given for the first dispute that needs a response, in Unix time; 0 for none.", func() (by float64) {
		d.node.Read(func(s sequencer.Reader) {
			_, at := s.DisputeCounts()
			by = float64(at / int64(time.Second))
		})
		return by
	})
	s.Gauge("onsale_payment_settling", "Unsettled orders that are worked on.", func() float64 { return float64(n.settling.Load()) })
	s.Gauge("onsale_payment_settling_max", "Bound of onsale_payment_settling.", func() float64 { return float64(d.config.SettlersMax) })
}

// oldest returns since when the unsettled order that was met first is worked on, of those that
// do not wait for their buyers.
func (d *Desk) oldest() (age time.Duration) {
	now := d.config.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.retries {
		if !r.awaiting || r.hurried {
			age = max(age, now.Sub(r.since))
		}
	}
	return age
}

// denied returns of how many orders the provider denies what is due.
func (d *Desk) denied() (count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.retries {
		if r.denied {
			count++
		}
	}
	return count
}

func (d *Desk) providerMetrics(s *metric.Set) {
	n, p := &d.counters, &d.metered
	s.Counters("onsale_payment_provider_calls_total", "Calls to the payment provider, by whether it answered; throttled when it did so with a 429.", []string{"call", "result"}, func(show metric.Show) {
		for call, name := range callNames {
			show(float64(p.answered[call].Load()), name, "answered")
			show(float64(p.failed[call].Load()), name, "failed")
			show(float64(p.throttled[call].Load()), name, "throttled")
		}
	})
	s.Counters("onsale_payment_conflicts_total", "Calls to the payment provider that found another buyer's or order's charge under our key; it was refused.", []string{"call"}, func(show metric.Show) {
		for call, name := range callNames {
			show(float64(p.conflicts[call].Load()), name)
		}
	})
	s.TimesBy("onsale_payment_provider_seconds", "Time of calls to the payment provider.", "call", callNames[:], func(i int) *metric.Times { return &p.times[i] })
	s.Counters("onsale_payment_notices_total", "Webhooks of the payment provider.", []string{"result"}, func(show metric.Show) {
		show(float64(n.notices.Load()), "taken")
		show(float64(n.badNotices.Load()), "refused")
	})
}

func (d *Desk) reconcileMetrics(s *metric.Set) {
	n := &d.counters
	s.Gauge("onsale_payment_reconciliation_differences", "Differences between the provider's books and the orders that this node's newest reconciliation found; 0 before the first.", func() float64 { return float64(n.differences.Load()) })
	s.Gauge("onsale_payment_reconciliation_timestamp_seconds", "When this node compared them last, in Unix time; 0 before the first.", func() float64 { return float64(n.reconciled.Load()) })
}
