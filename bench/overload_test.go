package bench

import (
	"errors"
	"testing"
	"time"

	"onsale/audit"
)

// goodOverload is a run that kept every promise.
func goodOverload() *OverloadReport {
	o := DefaultOverloadOptions()
	r := &OverloadReport{Options: o, SustainedRate: 1000, Offered: 10_000, Accepted: 9_000, AcceptedMillis: map[string]float64{"p99": 900},
		Refused: map[string]uint64{"503 overloaded": 90_000}, Unanswered: map[string]uint64{}, Overloaded: 90_000, MemoryBeforeBytes: 100 << 20, MemoryPeakBytes: 150 << 20,
		Told: 20_000, Held: 20_000, Honest: PhaseReport{Outcomes: map[string]uint64{"reserved": 200}}, Ending: Ending{Audits: []AuditReport{{Verdict: string(audit.VerdictClean)}}}}
	r.recovered(500*time.Millisecond, []CourseRow{{FromSeconds: 0, Seconds: 1, Rate: 899}, {FromSeconds: 1, Seconds: 1, Rate: 900}})
	return r
}

// Each check fails when what it is about is wrong, with the error that decides the exit
// code, and no other does.
func TestOverloadChecks(t *testing.T) {
	r := goodOverload()
	if r.judge(); r.Exact() != nil || r.BackSeconds != 2.5 {
		t.Fatalf("full speed after %v s, %v", r.BackSeconds, r.Exact())
	}
	for name, spoil := range map[string]struct {
		what   string
		change func(*OverloadReport)
		err    error
	}{
		"slow load":        {"offered", func(r *OverloadReport) { r.Offered = 7_900 }, errMissed},
		"long queue":       {"the queue was full", func(r *OverloadReport) { r.Overloaded = 0 }, errMissed},
		"patience":         {"honest without a decision", func(r *OverloadReport) { r.Honest.Failed = 1 }, errMissed},
		"unanswered":       {"neither decided nor 503 or 429", func(r *OverloadReport) { r.note(map[string]uint64{"504 outcome-unknown": 1}) }, errMissed},
		"no Retry-After":   {"refused without Retry-After", func(r *OverloadReport) { r.Unadvised = 1 }, errMissed},
		"slow":             {"accepted, p99", func(r *OverloadReport) { r.AcceptedMillis["p99"] = 2_000 }, errMissed},
		"memory":           {"leader's memory at its peak", func(r *OverloadReport) { r.MemoryPeakBytes = 1 << 30 }, errMissed},
		"no memory":        {"leader's memory at its peak", func(r *OverloadReport) { r.MemoryPeakBytes = 0 }, errMissed},
		"never back":       {"90 % of full speed again after", func(r *OverloadReport) { r.BackSeconds = 0 }, errMissed},
		"late":             {"90 % of full speed again after", func(r *OverloadReport) { r.BackSeconds = 10.5 }, errMissed},
		"lost ticket":      {"tickets held of those told", func(r *OverloadReport) { r.Held-- }, errInexact},
		"untold ticket":    {"tickets held of those told", func(r *OverloadReport) { r.Held++ }, errInexact},
		"no audit":         {"audits", func(r *OverloadReport) { r.Audits = nil }, errInexact},
		"audit's findings": {"audits", func(r *OverloadReport) { r.Audits[0].Verdict = "findings" }, errInexact},
	} {
		r := goodOverload()
		spoil.change(r)
		r.judge()
		for _, c := range r.Checks {
			if c.Holds == (c.What == spoil.what) {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if err := r.Exact(); !errors.Is(err, spoil.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A flood offers what the server refuses too, on connections that stay, and turns away who
// finds none free.
func TestFlood(t *testing.T) {
	address := sellFiftyAt(t)
	l := &load{LoadOptions: LoadOptions{Secret: make([]byte, 32), Sale: "s", Quantity: 1, Requests: 1 << 40, Connections: 1, Rate: 1 << 14,
		Duration: 500 * time.Millisecond, Timeout: 10 * time.Second, Addresses: []string{address}}, flood: true, tolerant: true}
	m, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := m.all()
	sent := all.latency.TotalCount() + int64(sum(all.Failures))
	refused := m.refused.TotalCount()
	if refused == 0 || m.unadvised != uint64(refused) || all.Failures["503 overloaded"] != uint64(refused) || sum(all.Failures) != uint64(refused) || all.Outcomes["reserved"] == 0 {
		t.Errorf("%d refused, failures %v, outcomes %v", refused, all.Failures, all.Outcomes)
	}
	if m.notSent == 0 || uint64(sent)+m.notSent != l.comers() {
		t.Errorf("%d were answered of %d that came; %d found no connection", sent, l.comers(), m.notSent)
	}
}
