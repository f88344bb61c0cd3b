package metric

import "sync/atomic"

// Stripes is how many cores can count at once without waiting for each other; a power
// of two.
const Stripes = 16

// Striped is a counter that many cores add to. The zero value is ready.
type Striped struct {
	stripes [Stripes]struct {
		count atomic.Uint64
		_     [56]byte // a cache line each
	}
}

// Add counts one. The hint spreads callers over the stripes.
func (c *Striped) Add(hint uint64) { c.stripes[hint%Stripes].count.Add(1) }

// Sum returns what was counted by all.
func (c *Striped) Sum() uint64 {
	total := uint64(0)
	for i := range c.stripes {
		total += c.stripes[i].count.Load()
	}
	return total
}
