//go:build failpoints

package failpoints

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"onsale/internal/failpoint"
)

// movedClock is the system's clock with a wall that jumps by whole seconds; the
// monotonic reading goes on, as it does when somebody sets a machine's clock.
type movedClock struct {
	Clock
	jump atomic.Int64 // seconds
}

// MovedClock returns a clock that follows the file failpoint.ClockVariable names. What the
// file says at the start is no jump: a node believes its wall clock when it starts.
func MovedClock(c Clock) Clock {
	path := os.Getenv(failpoint.ClockVariable)
	if path == "" {
		return c
	}
	moved := &movedClock{Clock: c}
	began := secondsIn(path)
	go func() {
		for {
			time.Sleep(failpoint.ReadInterval)
			moved.jump.Store(secondsIn(path) - began)
		}
	}()
	return moved
}

// secondsIn returns what a file says; 0 without one.
func secondsIn(path string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return seconds
}

// Now moves the seconds inside the time; nothing that package time exports moves them
// without the monotonic reading.
func (c *movedClock) Now() time.Time {
	t := c.Clock.Now()
	*(*uint64)(unsafe.Pointer(&t)) += uint64(c.jump.Load()) << 30
	return t
}
