package payment

import "time"

// Place is where an attempt is in the line.
type Place struct {
	Place int           `json:"place"`   // from 1
	Wait  time.Duration `json:"wait_ns"` // until the provider is asked, as it looks now
}

// place returns where an order's attempt is; nil when it does not wait.
func (l *line) place(order uint64) *Place {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := &l.waiting[classAttempt]
	p := q.orders[order]
	if p == nil {
		return nil
	}
	ahead := q.search(p.key)
	return &Place{Place: ahead + 1, Wait: l.wait(ahead)}
}

// has reports whether a call of a class waits for an order.
func (l *line) has(c class, order uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[c].orders[order] != nil
}

// lineState is how a line stands, for metrics.
type lineState struct {
	waiting, running [classCount]int
	rate             float64
	wait             time.Duration
	refused          uint64
	calls            calls
}

func (l *line) state() (s lineState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.waiting {
		s.waiting[c] = len(l.waiting[c].places)
	}
	s.running, s.rate, s.refused, s.calls = l.running, l.pace.inForce(), l.refused, l.calls
	s.wait = l.wait(s.waiting[classAttempt])
	return s
}
