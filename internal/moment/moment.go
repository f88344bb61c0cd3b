// Package moment keeps moments of the monotonic clock for several goroutines: one, or those at
// which the calls of one kind began.
//
// A time as nanoseconds of the wall clock is wrong as soon as somebody sets that clock: a step
// while something was being measured ended processes whose disk was well, and hid one that
// hung. Where a moment is kept as a number, it is kept here.
//
// What it trades off: an allocation for each moment that is noted, a lock for each call.
package moment

import (
	"sync/atomic"
	"time"
)

// Moment is one, or none. The zero value is none. All methods are safe for concurrent use.
type Moment struct{ at atomic.Pointer[time.Time] }

// Set notes a time, which must have a monotonic reading: time.Now's has.
func (m *Moment) Set(t time.Time) { m.at.Store(&t) }

// Clear makes it none.
func (m *Moment) Clear() { m.at.Store(nil) }

// Since returns how long ago it was, below zero when it lies ahead; false for none.
func (m *Moment) Since() (time.Duration, bool) {
	at := m.at.Load()
	if at == nil {
		return 0, false
	}
	return time.Since(*at), true
}
