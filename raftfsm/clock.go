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

	// seen is when this node applied the newest batch whose stamp agreed with its wall
	// clock, with the monotonic reading, and stamped what that batch said.
	seen    time.Time
	stamped int64
}

// observe notes the stamp of a batch that was applied. One that disagrees with the wall
// clock is replayed or caught up with, or one of the clocks is wrong: it says nothing.
func (c *logClock) observe(stamp int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if off := time.Duration(now.UnixNano() - stamp); off <= ClockAlarm && off >= -ClockAlarm {
		c.seen, c.stamped = now, stamp
	}
}

// takeOffice anchors the time: not before what the log has reached. A wall clock that
// jumped since this node saw the log's time agree with it is not believed: the time
// that passed since by the monotonic clock is added instead, or the jump would expire
// everybody. Who has seen no such batch since its start has only its wall clock.
func (c *logClock) takeOffice(reached int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	wall := now.UnixNano()
	if !c.seen.IsZero() {
		expected := c.stamped + int64(now.Sub(c.seen))
		if off := time.Duration(wall - expected); off > ClockAlarm || off < -ClockAlarm {
			wall = expected
		}
	}
	c.anchor = now
	c.base = max(wall, reached, c.last)
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
