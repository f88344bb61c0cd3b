package raftfsm

import (
	"testing"
	"time"
	"unsafe"
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

// A wall clock that jumps, forward or back, before this node takes office does not move
// the log's time, when the node has seen the two agree since it started.
func TestAJumpBeforeOfficeIsNotBelieved(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 365 * 24 * time.Hour} {
		clock := &jumpingClock{now: time.Now()}
		began := clock.now
		if moved := (&jumpingClock{began, jump}).Now(); moved.Round(0).Sub(began.Round(0)) != jump || moved.Sub(began) != 0 {
			t.Fatalf("the clock does not jump as a wall clock: %v, %v", moved.Round(0).Sub(began.Round(0)), moved.Sub(began))
		}
		c := logClock{clock: clock}
		c.observe(began.UnixNano() - int64(200*time.Millisecond)) // a batch of the leader
		clock.jump, clock.now = jump, began.Add(3*time.Second)
		c.observe(began.Add(2 * time.Second).UnixNano()) // disagrees now, and proves nothing
		c.takeOffice(began.Add(2 * time.Second).UnixNano())
		if got, want := c.stamp(), began.Add(2800*time.Millisecond).UnixNano(); got != want {
			t.Errorf("jump of %v: the log's time is %v off", jump, time.Duration(got-want))
		}
	}
}

// A node that has only replayed old batches believes its wall clock: they may be as old
// as the outage.
func TestOldBatchesProveNothing(t *testing.T) {
	clock := &jumpingClock{now: time.Now()}
	c := logClock{clock: clock}
	reached := clock.now.Add(-time.Hour).UnixNano()
	c.observe(reached)
	c.takeOffice(reached)
	if got := c.stamp(); got != clock.now.UnixNano() {
		t.Errorf("the log's time is %v behind the wall clock", time.Duration(clock.now.UnixNano()-got))
	}
}
