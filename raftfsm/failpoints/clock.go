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

// movedClock is the system's clock with a wall that is off by whole seconds, from the start or
// since it jumped; the monotonic reading goes on, as it does when somebody sets a machine's
// clock.
type movedClock struct {
	Clock
	off atomic.Int64 // seconds
}

// MovedClock returns a clock that follows the file failpoint.ClockVariable names: what that
// says when the node starts is a clock that is wrong from the start.
func MovedClock(c Clock) Clock {
	path := os.Getenv(failpoint.ClockVariable)
	if path == "" {
		return c
	}
	moved := &movedClock{Clock: c}
	moved.off.Store(secondsIn(path))
	go func() {
		for {
			time.Sleep(failpoint.ReadInterval)
			moved.off.Store(secondsIn(path))
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
	*(*uint64)(unsafe.Pointer(&t)) += uint64(c.off.Load()) << 30
	return t
}
