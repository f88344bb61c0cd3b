package raftfsm

import (
	"sync"
	"time"
)

// Clock is where time comes from. Now has the monotonic reading of time.Now, or
// stands in for it in tests.
type Clock interface {
	Now() time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// ClockAlarm is by how much the wall clock may disagree with the log's time
// before it is an alarm.
const ClockAlarm = time.Second

// logClock is the leader's time: anchored to the wall clock when it takes office,
// moved by the monotonic clock, never back. A wall clock that jumps later changes
// nothing: a jump must not expire everybody.
type logClock struct {
	clock Clock

	mu     sync.Mutex
	anchor time.Time // of the clock, with its monotonic reading
	base   int64     // log time at the anchor
	last   int64     // newest stamp
}

// takeOffice anchors the time: not before what the log has reached.
func (c *logClock) takeOffice(reached int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	c.anchor = now
	c.base = max(now.UnixNano(), reached, c.last)
	c.last = c.base
}

// stamp returns the log time of now; later calls never return less.
func (c *logClock) stamp() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed := c.clock.Now().Sub(c.anchor) // monotonic where there is such a reading
	c.last = max(c.last, c.base+int64(elapsed))
	return c.last
}

// disagreement returns how far the wall clock is ahead of the log's time.
func (c *logClock) disagreement() time.Duration {
	stamp := c.stamp()
	return time.Duration(c.clock.Now().Round(0).UnixNano() - stamp)
}
