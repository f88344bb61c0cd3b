package naive

import (
	"time"

	"onsale/sequencer"
)

// declines are a user's declined attempts since the first of an hour.
type declines struct {
	since int64
	count int
}

// declined counts a declined attempt, for its order and its user.
func (m *Model) declined(o *order) {
	o.declines++
	d := m.recent[o.user]
	if d.count == 0 || m.now >= after(d.since, int64(time.Hour)) {
		d = declines{since: m.now}
	}
	d.count++
	m.recent[o.user] = d
}

// waits returns why an order's next attempt must not begin now, and when it may.
func (m *Model) waits(o *order) (code sequencer.Code, until int64) {
	if o.attempts == 32 {
		return sequencer.CodeAttemptsExceeded, sequencer.TimeMax
	}
	if o.declines >= 8 || o.attempts >= 16 {
		code, until = sequencer.CodeAttemptTooSoon, after(o.triedAt, int64(5*time.Minute))
	}
	if d := m.recent[o.user]; d.count >= 24 && after(d.since, int64(time.Hour)) > until {
		code, until = sequencer.CodeDeclinesExceeded, after(d.since, int64(time.Hour))
	}
	if m.now >= until {
		return sequencer.CodeOK, 0
	}
	return code, until
}

// NextAttempt is sequencer.State.NextAttempt.
func (m *Model) NextAttempt(seq uint64) int64 {
	o := m.orderOf(seq)
	if o == nil {
		return 0
	}
	if o.state == sequencer.StatePaying && m.own() >= o.deadline {
		return sequencer.TimeMax
	}
	_, until := m.waits(o)
	return until
}
