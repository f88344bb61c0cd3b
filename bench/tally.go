package bench

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencyMax is the longest latency that is told from longer ones, in microseconds.
const latencyMax = 120_000_000

// phase is what was measured before or after the first "sold out".
type phase struct {
	latency  *hdrhistogram.Histogram // of the decided, microseconds
	outcomes map[string]uint64       // of the decided
	failures map[string]uint64       // who got no decision, by why
	retries  uint64
}

func newPhase() *phase {
	return &phase{latency: hdrhistogram.New(1, latencyMax, 3), outcomes: map[string]uint64{}, failures: map[string]uint64{}}
}

func (p *phase) merge(q *phase) {
	p.latency.Merge(q.latency)
	p.retries += q.retries
	for name, count := range q.outcomes {
		p.outcomes[name] += count
	}
	for name, count := range q.failures {
		p.failures[name] += count
	}
}

// failed returns how many buyers got no decision.
func (p *phase) failed() (n uint64) {
	for _, count := range p.failures {
		n += count
	}
	return n
}

// tally is what some workers count together.
type tally struct {
	mu     sync.Mutex
	phases [2]*phase
	warm   uint64
}

// gather adds up what the workers counted.
func (m *measured) gather(tallies []tally) {
	m.phases = [2]*phase{newPhase(), newPhase()}
	for i := range tallies {
		m.phases[0].merge(tallies[i].phases[0])
		m.phases[1].merge(tallies[i].phases[1])
		m.warm += tallies[i].warm
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

// record is one latency; over the bound it counts as the bound.
func record(h *hdrhistogram.Histogram, latency time.Duration) {
	_ = h.RecordValue(min(latencyMax, max(1, latency.Microseconds()))) // within the bounds
}

// whyFailed names a failure in one of a few words: addresses and ports change.
func whyFailed(err error) string {
	var status *statusError
	switch {
	case errors.As(err, &status):
		return status.outcome
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errTooLate):
		return "timeout"
	case errors.Is(err, errNoRoom):
		return "no connection was free"
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
