package api

import "sync/atomic"

// counterShards is how many cores can count at once without waiting for each
// other; a power of two.
const counterShards = 16

// stripedCounter is a counter that many cores add to.
type stripedCounter struct {
	shards [counterShards]struct {
		count atomic.Uint64
		_     [56]byte // a cache line each
	}
}

// add counts one. The hint spreads callers over the shards.
func (c *stripedCounter) add(hint uint64) { c.shards[hint%counterShards].count.Add(1) }

func (c *stripedCounter) sum() uint64 {
	total := uint64(0)
	for i := range c.shards {
		total += c.shards[i].count.Load()
	}
	return total
}
