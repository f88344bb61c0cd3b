package main

import (
	"fmt"
	"slices"
	"time"

	"onsale/internal/failpoint"
)

// Report is what came of a run.
type Report struct {
	Seed              uint64            `json:"seed"`
	Seconds           float64           `json:"seconds"`
	Strikes           map[string]int    `json:"strikes"` // by class of fault
	Missing           []string          `json:"missing"` // classes that this machine cannot make
	Starts            map[string]int    `json:"starts"`  // of each process
	Failpoints        map[string]int    `json:"failpoint_crashes"`
	Hangs             map[string]int    `json:"failpoint_hangs"`
	ClockChecks       int               `json:"clock_checks"` // of the log's time
	Time              logTime           `json:"log_time"`
	Asked             int               `json:"refused_before_start"` // purchases
	Holds             heldCounts        `json:"holds"`
	LoneSuspensions   []float64         `json:"lone_suspensions_seconds"`
	Requests          int               `json:"requests"`
	Answered          int               `json:"answered"`
	RequestsPerSecond float64           `json:"requests_per_second"` // answered
	Failures          map[string]int    `json:"failures"`            // single tries that were no answer
	Acknowledged      int               `json:"acknowledged_purchases"`
	Terms             uint64            `json:"terms"`
	Recovery          []float64         `json:"recovery_seconds"` // until a buy succeeded after each era's faults
	Linearity         linearity         `json:"linearity"`
	Audits            map[string]string `json:"audits"`
	Verdict           verdict           `json:"verdict"`
	Void              []string          `json:"void"` // why the run proves nothing
}

// Failed reports whether the run found something, or proves nothing.
func (r *Report) Failed() bool { return r.Verdict.Count > 0 || len(r.Void) > 0 }

// judge says whether enough happened.
func (r *run) judge(all []class) {
	o, h := r.report, r.history
	o.Seconds = time.Since(h.began).Seconds()
	o.Requests, o.Answered, o.Failures = len(h.operations), h.answered, h.failures
	o.RequestsPerSecond = float64(h.answered) / r.struck.Seconds()
	if o.Strikes[crashAtPoint] > 0 && len(o.Failpoints) == 0 {
		o.Void = append(o.Void, "no process died at a failpoint")
	}
	for _, c := range all {
		if r.breaker.counts[c.name] == 0 {
			o.Void = append(o.Void, "no fault of the class "+c.name)
		}
	}
	for name, places := range hangs {
		if r.breaker.counts[name] > 0 && !slices.ContainsFunc(places, func(place failpoint.Name) bool { return o.Hangs[string(place)] > 0 }) {
			o.Void = append(o.Void, "nothing hung of the class "+name)
		}
	}
	for what, count := range map[string]int{"purchase before a sale's start": o.Asked, "hold that ended": o.Holds.Ended, "outage that was given back": o.Time.Outages,
		"lone node suspended": len(o.LoneSuspensions), "buyer sent to authenticate": h.travelled,
		"part given back": len(h.halved), "part refunded": len(h.refunded), "order refunded": len(h.returned)} {
		if count == 0 {
			o.Void = append(o.Void, "no "+what)
		}
	}
	if o.RequestsPerSecond < r.options.RequestsPerSecondMin {
		o.Void = append(o.Void, fmt.Sprintf("%.0f requests a second, fewer than %.0f", o.RequestsPerSecond, r.options.RequestsPerSecondMin))
	}
	if o.Linearity.Sales == 0 || o.Acknowledged == 0 {
		o.Void = append(o.Void, "nothing was checked")
	}
}
