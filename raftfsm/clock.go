package raftfsm

import (
	"slices"
	"sync"
	"time"
)

// Clock is where time comes from.
type Clock interface {
	// Now returns the wall clock's time, which somebody may set.
	Now() time.Time
	// Boot returns the time since some moment before this process began. Nobody sets it, and
	// it goes on while the machine is suspended.
	Boot() time.Duration
}

// started is what the monotonic clock counts from.
type systemClock struct{ started time.Time }

func (systemClock) Now() time.Time { return time.Now() }

// SystemClock returns the operating system's clock.
func SystemClock() Clock { return systemClock{time.Now()} }

// ClockAlarm is by how much the wall clock may disagree with the log's time
// before it is an alarm.
const ClockAlarm = time.Second

// logClock is the log's time of now. A leader's goes on by the boot clock, never back: a
// wall clock that jumps must not end every hold. It begins where this node heard that it was
// (heardTime), or, for who has heard nothing since its start, at the middle of the voters' wall
// clocks.
type logClock struct {
	clock Clock

	mu     sync.Mutex
	anchor time.Duration // of the boot clock, when this node took office
	base   int64         // log time at the anchor
	last   int64         // newest stamp
	heard  heardTime
}

// heardTime is what a node hears of the log's time by the batches that it applies. While anything
// is due a leader commits one every few seconds (batcher.untilDue). A batch that is replayed, or
// caught up with, is old, and says nothing: two that lie as far apart in the log as by the
// boot clock are not. All come late, some less than others: the least late of the last minute
// counts, else the log's time would fall behind by what a batch takes at every fail-over.
type heardTime struct {
	known bool          // the log's time was heard,
	at    time.Duration // of the boot clock, when it was heard last
	// By so much is the log ahead of the boot clock, as the least late batches said: of the
	// window that began at since, and of the one before it.
	latest, before int64
	since          time.Duration

	any    bool // there is a first of two
	first  int64
	firsts time.Duration
}

const (
	// heardApart is how far apart two batches must be, and heardOff how much more or less
	// they may be apart in the log.
	heardApart = time.Second
	heardOff   = 250 * time.Millisecond
	// heardWindow is a window's length: by so much two machines' clocks may drift apart
	// unseen, which is some microseconds.
	heardWindow = 30 * time.Second
)

// note takes in a stamp, at a time of the boot clock.
func (h *heardTime) note(now time.Duration, stamp int64) {
	off := time.Duration(stamp-h.first) - (now - h.firsts)
	switch {
	case !h.any || off > heardOff || off < -heardOff:
		h.any, h.first, h.firsts = true, stamp, now
	case now-h.firsts >= heardApart:
		h.hear(now, stamp-int64(now))
		h.first, h.firsts = stamp, now
	}
}

// hear takes in by how much the log is ahead of the boot clock.
func (h *heardTime) hear(now time.Duration, ahead int64) {
	switch age := now - h.since; {
	case !h.known || age >= 2*heardWindow:
		h.since, h.before, h.latest = now, ahead, ahead
	case age >= heardWindow:
		h.since, h.before, h.latest = now, h.latest, ahead
	}
	h.known, h.at, h.latest = true, now, max(h.latest, ahead)
}

// logTime returns the log's time at a time of the boot clock.
func (h *heardTime) logTime(now time.Duration) int64 { return max(h.before, h.latest) + int64(now) }

// observe notes the stamp of a batch that was applied.
func (c *logClock) observe(stamp int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard.note(c.clock.Boot(), stamp)
}

// knows reports whether this node has heard what the log's time is.
func (c *logClock) knows() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard.known
}

// takeOffice anchors the time: not before what the log has reached. others are by how much the
// wall clocks of other voters are ahead of this one's; they count when this node has not heard
// the log's time.
func (c *logClock) takeOffice(reached int64, others []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.anchor = c.clock.Boot()
	c.base = max(c.believed(others), reached, c.last)
	c.last = c.base
}

func (c *logClock) believed(others []time.Duration) int64 {
	if c.heard.known {
		return c.heard.logTime(c.anchor)
	}
	return c.clock.Now().Add(middle(others)).UnixNano()
}

// middle returns the median of this node's clock and the others', which are ahead of it by so
// much; of two the earlier.
func middle(others []time.Duration) time.Duration {
	all := append(slices.Clone(others), 0)
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// stamp returns the log time of now; later calls never return less.
func (c *logClock) stamp() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed := c.clock.Boot() - c.anchor
	c.last = max(c.last, c.base+int64(elapsed))
	return c.last
}

// disagreement returns how far the wall clock is ahead of the log's time, on the leader.
func (c *logClock) disagreement() time.Duration {
	stamp := c.stamp()
	return time.Duration(c.clock.Now().Round(0).UnixNano() - stamp)
}

// ahead returns how far the wall clock is ahead of the log's time as this node heard it last;
// false when it has not heard it, or not for long.
func (c *logClock) ahead() (by time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Boot()
	if !c.heard.known || now-c.heard.at > heardMax {
		return 0, false
	}
	return time.Duration(c.clock.Now().Round(0).UnixNano() - c.heard.logTime(now)), true
}

// heardMax is for how long a member's word on its own clock counts: an idle leader says
// nothing.
const heardMax = time.Minute
