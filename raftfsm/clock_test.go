package raftfsm

import (
	"testing"
	"time"
	"unsafe"

	"onsale/raftfsm/peer"
)

// jumpingClock is a wall clock that jumps by whole seconds, as one does that somebody
// sets: the monotonic reading goes on.
type jumpingClock struct {
	now  time.Time
	jump time.Duration
}

// Now moves the seconds inside the time; nothing that package time exports moves them
// without the monotonic reading.
func (c *jumpingClock) Now() time.Time {
	t := c.now
	*(*uint64)(unsafe.Pointer(&t)) += uint64(c.jump/time.Second) << 30
	return t
}

func (c *jumpingClock) Boot() time.Duration { return c.now.Sub(time.Unix(0, 0)) }

// hear lets a clock hear a leader's batches, one in each time.
func hear(c *logClock, wall *jumpingClock, logTime time.Time, every time.Duration, batches int) {
	for range batches {
		c.observe(logTime.UnixNano())
		wall.now, logTime = wall.now.Add(every), logTime.Add(every)
	}
}

// Whoever has heard the log's time goes on with it in office, and does not look at its wall
// clock: neither at one that was wrong since the start nor at one that jumped.
func TestLogTimePassesOn(t *testing.T) {
	for _, off := range []time.Duration{0, time.Hour, -time.Hour, 365 * 24 * time.Hour} {
		for _, late := range []bool{false, true} {
			wall := &jumpingClock{now: time.Now()}
			began := wall.now
			if !late {
				wall.jump = off
			}
			c := logClock{clock: wall}
			hear(&c, wall, began, 2500*time.Millisecond, 4)
			wall.jump = off
			c.takeOffice(began.UnixNano(), nil)
			if got := c.stamp(); got != wall.now.UnixNano() {
				t.Errorf("off by %v, late %t: the log's time is %v off", off, late, time.Duration(got-wall.now.UnixNano()))
			}
		}
	}
}

// Batches that are replayed or caught up with are old, and say nothing of now: what counts is
// what comes as fast as its time goes by.
func TestOldBatchesSayNothing(t *testing.T) {
	wall := &jumpingClock{now: time.Now()}
	c := logClock{clock: wall}
	for i := range 1000 { // an hour's, in a second
		c.observe(wall.now.Add(time.Duration(i-1000) * 3600 * time.Millisecond).UnixNano())
		wall.now = wall.now.Add(time.Millisecond)
	}
	if c.knows() {
		t.Fatal("it believes what it replayed")
	}
	c.takeOffice(0, nil)
	if got := c.stamp(); got != wall.now.UnixNano() {
		t.Errorf("the log's time is %v off", time.Duration(got-wall.now.UnixNano()))
	}

	c = logClock{clock: wall}
	for i := range 1000 {
		c.observe(wall.now.Add(time.Duration(i-1000) * 3600 * time.Millisecond).UnixNano())
	}
	hear(&c, wall, wall.now.Add(-time.Minute), 700*time.Millisecond, 5) // the log's time is a minute behind
	if c.takeOffice(0, nil); c.stamp() != wall.now.Add(-time.Minute).UnixNano() {
		t.Errorf("the log's time is %v off", time.Duration(c.stamp()-wall.now.Add(-time.Minute).UnixNano()))
	}
}

// Whoever has heard nothing takes the middle of the voters' clocks, of two the earlier.
func TestMiddleOfTheClocks(t *testing.T) {
	const h = time.Hour
	for _, c := range []struct {
		others []time.Duration
		want   time.Duration
	}{
		{nil, 0}, {[]time.Duration{h}, 0}, {[]time.Duration{-h}, -h}, {[]time.Duration{h, h}, h}, {[]time.Duration{-h, h}, 0},
		{[]time.Duration{-h, -h}, -h}, {[]time.Duration{-h, -h, h}, -h}, {[]time.Duration{1, 2, 3, h}, 2},
	} {
		wall := &jumpingClock{now: began}
		clock := logClock{clock: wall}
		clock.takeOffice(0, c.others)
		if got := time.Unix(0, clock.stamp()).Sub(began); got != c.want {
			t.Errorf("others are ahead by %v: the log's time is ahead by %v, want %v", c.others, got, c.want)
		}
	}
}

// Of the batches that are heard the least late counts: a log's time that fell behind by what a
// batch takes, at every fail-over, would be late by seconds in the end. What was heard long ago
// does not count.
func TestTheLeastLateBatchCounts(t *testing.T) {
	wall := &jumpingClock{now: began}
	c := logClock{clock: wall}
	late := func(by ...time.Duration) {
		for _, lag := range by {
			wall.now = wall.now.Add(heardApart)
			c.observe(wall.now.Add(-lag).UnixNano())
		}
	}
	expect := func(what string, want time.Duration) {
		t.Helper()
		if by, known := c.ahead(); by != want || !known {
			t.Errorf("%s: the log's time is %v late, %t, want %v", what, by, known, want)
		}
	}
	const ms = time.Millisecond
	late(40*ms, 90*ms, 3*ms, 120*ms, 200*ms)
	expect("just heard", 3*ms)
	for range heardWindow / heardApart {
		late(50 * ms)
	}
	expect("in the window before", 3*ms)
	for range heardWindow / heardApart {
		late(50 * ms)
	}
	expect("long ago", 50*ms)
	wall.now = wall.now.Add(2 * heardWindow)
	late(240*ms, 245*ms)
	expect("after a silence", 240*ms)
}

// The clocks of members that were met go on by the boot clock: a jump of this node's own, since
// then, makes them disagree with it, and does not move them.
func TestAJumpSinceMembersWereMet(t *testing.T) {
	wall := &jumpingClock{now: began}
	config := Config{NodeID: "n1", Clock: wall}
	f := fence{config: &config}
	for _, id := range []string{"n2", "n3"} {
		f.noteMet(&peer.Identity{ID: id, Time: began})
	}
	wall.now, wall.jump = began.Add(time.Minute), time.Hour
	c := logClock{clock: wall}
	c.takeOffice(0, f.clocks([]string{"n1", "n2", "n3", "n4"}))
	if got := c.stamp(); got != wall.now.UnixNano() {
		t.Errorf("the log's time is %v off", time.Duration(got-wall.now.UnixNano()))
	}
}
