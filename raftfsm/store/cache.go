package store

import (
	"sync"

	"github.com/hashicorp/raft"
)

// The bounds of the entries that a Log holds in memory.
const (
	CachedEntriesMax = 1024
	CachedBytesMax   = 64 << 20
)

// logCache holds the newest entries, contiguous up to the last stored one,
// bounded in number and bytes. Data is kept by reference, as raft made it.
type logCache struct {
	mu          sync.RWMutex
	ring        [CachedEntriesMax]*raft.Log
	first, next uint64 // holds first..next-1
	bytes       int
}

func (c *logCache) get(index uint64, l *raft.Log) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if index < c.first || index >= c.next {
		return false
	}
	*l = *c.ring[index%CachedEntriesMax]
	return true
}

// load returns how many entries and bytes are held.
func (c *logCache) load() (entries, bytes int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return int(c.next - c.first), c.bytes
}

func (c *logCache) put(logs []*raft.Log) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if logs[0].Index != c.next {
		c.empty(logs[0].Index)
	}
	for _, l := range logs {
		if c.next-c.first == CachedEntriesMax {
			c.dropFirst()
		}
		c.ring[l.Index%CachedEntriesMax] = l
		c.bytes += len(l.Data)
		c.next++
		for c.bytes > CachedBytesMax && c.next-c.first > 1 {
			c.dropFirst()
		}
	}
}

func (c *logCache) dropFirst() {
	slot := &c.ring[c.first%CachedEntriesMax]
	c.bytes -= len((*slot).Data)
	*slot = nil
	c.first++
}

// empty forgets everything; the next entry will be at next.
func (c *logCache) empty(next uint64) {
	for c.first < c.next {
		c.dropFirst()
	}
	c.first, c.next = next, next
}

// drop forgets a range that touches one end of the log.
func (c *logCache) drop(from, to uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case from <= c.first && to+1 >= c.next:
		c.empty(0)
	case from <= c.first:
		for c.first <= to && c.first < c.next {
			c.dropFirst()
		}
	default:
		for c.next > from && c.next > c.first {
			c.next--
			c.bytes -= len(c.ring[c.next%CachedEntriesMax].Data)
			c.ring[c.next%CachedEntriesMax] = nil
		}
	}
}
