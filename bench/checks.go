package bench

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"onsale/audit"
)

// OverloadReport is what a node did that was offered many times what it sustains.
type OverloadReport struct {
	Machine   string          `json:"machine"`
	Options   OverloadOptions `json:"-"`
	NodeFlags []string        `json:"node_flags"`
	// DiskDelayMillis is what an append to the log was made to take longer.
	DiskDelayMillis float64 `json:"disk_delay_ms"`

	SustainedRate   float64            `json:"sustained_per_second"`
	SustainedMillis map[string]float64 `json:"sustained_latency_ms"`

	Wanted  float64 `json:"wanted_per_second"`
	Offered float64 `json:"offered_per_second"` // that were really sent
	// NotSent are arrivals that found no connection free: the node never heard of them.
	NotSent     uint64  `json:"not_sent"`
	OverSeconds float64 `json:"over_seconds"`

	LeaderMicrosecondsPerRequest float64 `json:"leader_cpu_us_per_request"` // while overloaded
	LoadMicrosecondsPerRequest   float64 `json:"load_cpu_us_per_request"`

	// Latencies under overload run from when a request is sent.
	Accepted       uint64             `json:"accepted"`
	AcceptedRate   float64            `json:"accepted_per_second"`
	AcceptedMillis map[string]float64 `json:"accepted_latency_ms"`
	Refused        map[string]uint64  `json:"refused"` // 503 and 429, by status and code
	RefusedMillis  map[string]float64 `json:"refused_latency_ms"`
	Unadvised      uint64             `json:"refused_without_retry_after"`
	Unanswered     map[string]uint64  `json:"unanswered"` // neither a decision nor such a refusal
	Overloaded     uint64             `json:"counted_overloaded"`
	Tickets        uint64             `json:"flood_tickets"` // of the accepted, told
	// Honest buyers pressed once each, and came back as they were told; failed are those who
	// got no decision within honestPatience.
	Honest PhaseReport `json:"honest"`

	MemoryBeforeBytes int64 `json:"memory_before_bytes"` // most that was resident
	MemoryPeakBytes   int64 `json:"memory_peak_bytes"`

	RecoverSeconds []float64 `json:"after_per_second"` // decisions in each second
	// BackSeconds is from the end of the flood, whose queue is still to be decided, to the
	// end of the first second at full speed; 0 when there was none.
	BackSeconds float64 `json:"full_speed_after_seconds"`

	Told   uint64          `json:"told"` // tickets that buyers were told of
	Held   uint64          `json:"held"` // tickets that are held at the end
	Checks []OverloadCheck `json:"checks"`
	Ending
}

// OverloadCheck is one condition and what was measured.
type OverloadCheck struct {
	What     string `json:"what"`
	Target   string `json:"target"`
	Measured string `json:"measured"`
	Holds    bool   `json:"holds"`
	err      error  // what it means when it does not hold
}

// note sorts who got no decision into refusals, which have no place in line, and all else,
// who cannot know.
func (r *OverloadReport) note(failures map[string]uint64) {
	for why, n := range failures {
		if strings.HasPrefix(why, "503 ") || strings.HasPrefix(why, "429 ") {
			r.Refused[why] += n
		} else {
			r.Unanswered[why] += n
		}
	}
}

// recovered finds the first second at full speed in those of a closed loop that began so
// long after the flood.
func (r *OverloadReport) recovered(begin time.Duration, seconds []CourseRow) {
	for _, s := range seconds {
		r.RecoverSeconds = append(r.RecoverSeconds, s.Rate)
		if r.BackSeconds == 0 && s.Rate >= recoveredShare*r.SustainedRate {
			r.BackSeconds = begin.Seconds() + s.FromSeconds + s.Seconds
		}
	}
}

// What one of them may take in memory, by a generous estimate: a connection's buffers and
// goroutine, and an order with its key. Garbage is as much as the servers' ballast allows
// between two collections of a small heap.
const (
	overloadConnectionBytes = 32 << 10
	overloadOrderBytes      = 1 << 10
	overloadGarbageBytes    = 128 << 20
)

// memoryBound is what the node may have resident: what grows with the refused is not in it.
func (r *OverloadReport) memoryBound() int64 {
	return r.MemoryBeforeBytes + overloadGarbageBytes + int64(r.Options.Connections)*overloadConnectionBytes +
		int64(r.Told)*overloadOrderBytes
}

// latencyBound is what the queue and what is under way take at the sustained rate, times
// the slack, in milliseconds.
func (r *OverloadReport) latencyBound() float64 {
	return overloadSlack * float64(r.Options.Queue+r.Options.underWay()) / r.SustainedRate * 1000
}

// What is demanded of a run.
const (
	// overloadSlack is how many times longer than the queue takes at the sustained rate an
	// accepted request may take at the 99th percentile: the load takes its share of the cores.
	overloadSlack = 3
	// reachedShare is the share of the rate that must really be offered.
	reachedShare = 0.8
	// recoveredShare of the sustained rate counts as full speed, which must be back so soon.
	recoveredShare  = 0.9
	recoveredWithin = 10 * time.Second
)

// judge holds what was measured against what was promised.
func (r *OverloadReport) judge() {
	check := func(err error, what, target, measured string, holds bool) {
		r.Checks = append(r.Checks, OverloadCheck{what, target, measured, holds, err})
	}
	none := func(what string, n uint64) { check(errMissed, what, "0", fmt.Sprint(n), n == 0) }
	some := func(what string, n uint64) { check(errMissed, what, "≥ 1", fmt.Sprint(n), n > 0) }

	o, rate := &r.Options, max(1, r.SustainedRate)
	least := o.Factor * reachedShare
	check(errMissed, "offered", fmt.Sprintf("≥ %.1f x the sustained rate", least), fmt.Sprintf("%.1f x", r.Offered/rate),
		r.Offered >= least*rate)
	if o.UserRequestsPerSecond > 0 { // it may refuse whom the queue would have
		some("somebody was refused", sum(r.Refused))
	} else {
		some("the queue was full", r.Overloaded)
	}
	none("honest without a decision", r.Honest.Failed)
	none("neither decided nor 503 or 429", sum(r.Unanswered))
	none("refused without Retry-After", r.Unadvised)
	bound, p99 := r.latencyBound(), r.AcceptedMillis["p99"]
	check(errMissed, "accepted, p99", fmt.Sprintf("≤ %.0f ms", bound), fmt.Sprintf("%.1f ms", p99), r.Accepted > 0 && p99 <= bound)
	check(errMissed, "leader's memory at its peak", fmt.Sprintf("≤ %d MiB", r.memoryBound()>>20),
		fmt.Sprintf("%d MiB", r.MemoryPeakBytes>>20), r.MemoryPeakBytes > 0 && r.MemoryPeakBytes <= r.memoryBound())
	back := "not within the run"
	if r.BackSeconds > 0 {
		back = fmt.Sprintf("%.1f s", r.BackSeconds)
	}
	check(errMissed, fmt.Sprintf("%.0f %% of full speed again after", 100*recoveredShare), fmt.Sprintf("≤ %v", recoveredWithin), back,
		r.BackSeconds > 0 && r.BackSeconds <= recoveredWithin.Seconds())
	// Who got no answer may have a ticket, and nobody else but who was told.
	most := r.Told + sum(r.Unanswered)
	check(errInexact, "tickets held of those told", fmt.Sprintf("%d to %d", r.Told, most), fmt.Sprint(r.Held),
		r.Held >= r.Told && r.Held <= most)
	said, unclean := fmt.Sprint(len(r.Audits), " journals"), r.Ending.Exact()
	if unclean != nil {
		said = unclean.Error()
	}
	check(errInexact, "audits", string(audit.VerdictClean), said, len(r.Audits) > 0 && unclean == nil)
}

// errMissed is returned when what a run promises of time or memory was not kept.
var errMissed = errors.New("a bound was missed")

// Exact returns nil when every check holds.
func (r *OverloadReport) Exact() error {
	var missed []error
	for _, c := range r.Checks {
		if !c.Holds {
			missed = append(missed, fmt.Errorf("%w: %s: %s, expected %s", c.err, c.What, c.Measured, c.Target))
		}
	}
	return errors.Join(missed...)
}
