package bench

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencyMax is the longest latency that is told from longer ones, in microseconds.
const latencyMax = 120_000_000

func newLatency() *hdrhistogram.Histogram { return hdrhistogram.New(1, latencyMax, 3) }

// record is one latency; over the bound it counts as the bound.
func record(h *hdrhistogram.Histogram, latency time.Duration) {
	_ = h.RecordValue(min(latencyMax, max(1, latency.Microseconds()))) // within the bounds
}

func sum(counts map[string]uint64) (n uint64) {
	for _, count := range counts {
		n += count
	}
	return n
}

// tally is what one loop counts, and all of them together.
type tally struct {
	phases         [2]*PhaseReport         // while selling, and once somebody was refused as sold out
	course         []CourseRow             // by the second in which the answers came
	lag            *hdrhistogram.Histogram // by how much arrivals were late because of us, microseconds
	warm           uint64                  // buyers of the warm-up
	notSent        uint64                  // of a flood: who found no connection free
	refused        *hdrhistogram.Histogram // answers that are no decision, microseconds from when they were due
	unadvised      uint64                  // of them: not told when to come back
	sent, received uint64                  // bytes of HTTP, the warm-up's included
}

// courseMax bounds the seconds of a course; what comes later is in the last one.
const courseMax = 24 * 60 * 60

func newTally() tally {
	return tally{phases: [2]*PhaseReport{newPhase(), newPhase()}, course: []CourseRow{}, lag: newLatency(), refused: newLatency()}
}

// second returns the counts of an instant after the warm-up.
func (t *tally) second(at time.Duration) *CourseRow {
	i := min(courseMax-1, int(max(0, at)/time.Second))
	for len(t.course) <= i {
		t.course = append(t.course, CourseRow{FromSeconds: float64(len(t.course))})
	}
	return &t.course[i]
}

func (t *tally) merge(u *tally) {
	for i := range t.phases {
		t.phases[i].merge(u.phases[i])
	}
	for i, c := range u.course {
		mine := t.second(time.Duration(i) * time.Second)
		mine.Decided += c.Decided
		mine.Failed += c.Failed
	}
	t.lag.Merge(u.lag)
	t.warm += u.warm
	t.notSent += u.notSent
	t.refused.Merge(u.refused)
	t.unadvised += u.unadvised
	t.sent += u.sent
	t.received += u.received
}

// phase returns 0 while selling and 1 once somebody was refused as sold out.
func (p *loop) phase() int {
	if p.load.soldOut.Load() == 0 {
		return 0
	}
	return 1
}

// isWarm reports whether a buyer belongs to the warm-up.
func (l *load) isWarm(due time.Time) bool { return due.Sub(l.started) < l.WarmUp }

// record counts a decision.
func (p *loop) record(c *caller, answer *response) {
	l, answered, outcome := p.load, time.Now(), answer.outcome()
	if outcome == soldOutReason || outcome == notEnoughReason {
		l.noteSoldOut(answered)
	}
	l.answered.Add(1)
	if l.isWarm(c.due) {
		p.warm++
		return
	}
	phase := p.phases[p.phase()]
	count(phase.Outcomes, outcome)
	record(phase.latency, answered.Sub(c.due))
	p.second(answered.Sub(l.started)-l.WarmUp).Decided++
}

// fail counts a buyer who got no decision.
func (p *loop) fail(err error, due time.Time) {
	if l := p.load; !l.isWarm(due) {
		count(p.phases[p.phase()].Failures, whyFailed(err))
		p.second(time.Since(l.started)-l.WarmUp).Failed++
	}
}

// namesMax bounds the names that a server can make us count under; the rest is "other".
const namesMax = 64

func count(names map[string]uint64, name string) {
	if _, known := names[name]; !known && len(names) >= namesMax {
		name = "other"
	}
	names[name]++
}

// whyFailed names a failure in one of a few words: addresses and ports change.
func whyFailed(err error) string {
	var status *statusError
	switch {
	case errors.As(err, &status):
		return status.outcome
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errTooLate):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	case errors.Is(err, errResponse):
		return "malformed response"
	}
	return "other"
}
