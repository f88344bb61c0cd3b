package metric

import (
	"sync/atomic"
	"time"
)

// Longest is the longest of some durations since the start of the process.
type Longest struct{ nanoseconds atomic.Int64 }

// Observe takes in one duration.
func (l *Longest) Observe(d time.Duration) {
	for {
		longest := l.nanoseconds.Load()
		if int64(d) <= longest || l.nanoseconds.CompareAndSwap(longest, int64(d)) {
			return
		}
	}
}

// Seconds returns the longest; 0 when there was none.
func (l *Longest) Seconds() float64 { return time.Duration(l.nanoseconds.Load()).Seconds() }
