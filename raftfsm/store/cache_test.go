package store

import (
	"testing"

	"github.com/hashicorp/raft"
)

// cacheModel is what a cache must hold: the newest entries of a log without gaps.
type cacheModel struct {
	first, next uint64
	sizes       map[uint64]int
}

func (m *cacheModel) bytes() (sum int) {
	for index := m.first; index < m.next; index++ {
		sum += m.sizes[index]
	}
	return sum
}

// holds compares a cache with its model, entry by entry.
func (m *cacheModel) holds(t *testing.T, c *logCache) {
	t.Helper()
	if held, bytes := c.load(); held != int(m.next-m.first) || bytes != m.bytes() {
		t.Fatalf("%d entries of %d bytes, want %d of %d", held, bytes, m.next-m.first, m.bytes())
	}
	for index := m.first - min(m.first, 3); index < m.next+3; index++ {
		var l raft.Log
		held := c.get(index, &l)
		if held != (index >= m.first && index < m.next) || held && (l.Index != index || len(l.Data) != m.sizes[index]) {
			t.Fatalf("entry %d is held: %t, %d with %d bytes; want %d to %d", index, held, l.Index, len(l.Data), m.first, m.next)
		}
	}
	kept := 0
	for _, l := range c.ring {
		if l != nil {
			kept++
		}
	}
	if kept != int(m.next-m.first) {
		t.Fatalf("%d entries are kept from being freed, %d are held", kept, m.next-m.first)
	}
}

// A cache goes through appends, jumps and deletions at both ends, and holds what it must.
func TestCacheAgainstAModel(t *testing.T) {
	random := newRandom(t)
	c, m := new(logCache), &cacheModel{sizes: map[uint64]int{}}
	for range 2000 {
		switch draw := random.IntN(10); {
		case draw < 6:
			logs := make([]*raft.Log, 1+random.IntN(300))
			first := m.next
			if random.IntN(20) == 0 {
				first += 1 + random.Uint64N(9) // behind an installed snapshot
			}
			if first != m.next || m.next == 0 {
				first = max(first, 1)
				m.first, m.next = first, first
			}
			for i := range logs {
				logs[i] = &raft.Log{Index: first + uint64(i), Data: make([]byte, random.IntN(50))}
				m.sizes[logs[i].Index] = len(logs[i].Data)
			}
			m.next = first + uint64(len(logs))
			m.first = max(m.first, m.next-min(m.next, CachedEntriesMax))
			c.put(logs)
		case draw < 8 && m.next > m.first: // the front, with what was not held any more
			to := m.first - 1 + random.Uint64N(m.next-m.first)
			c.drop(random.Uint64N(m.first+1), to)
			m.first = to + 1
		case draw == 8 && m.next > m.first+1: // the end
			m.next = m.first + 1 + random.Uint64N(m.next-m.first-1)
			c.drop(m.next, m.next+5000)
		case draw == 9 && random.IntN(5) == 0: // everything
			c.drop(m.first-min(m.first, random.Uint64N(2)), m.next-min(m.next, 1)+random.Uint64N(2))
			m.first, m.next = 0, 0
		}
		m.holds(t, c)
	}
}

// What is deleted behind everything that is held, or in front of it, is not held.
func TestCacheDropsBesideWhatItHolds(t *testing.T) {
	c, m := new(logCache), &cacheModel{first: 10, next: 15, sizes: map[uint64]int{10: 4, 11: 4, 12: 4, 13: 4, 14: 4}}
	c.put(entries(10, 5))
	m.holds(t, c)
	c.drop(3, 9)
	m.holds(t, c)
	c.drop(15, 20)
	m.holds(t, c)
	c.drop(11, 14)
	m.next = 11
	m.holds(t, c)
	c.drop(10, 10)
	m.first, m.next = 0, 0
	m.holds(t, c)
}

// The bound of the bytes is reached, not passed; one entry is held whatever its size.
func TestCacheBoundOfBytes(t *testing.T) {
	data := make([]byte, CachedBytesMax+1)
	c := new(logCache)
	put := func(index uint64, size, held, bytes int) {
		t.Helper()
		c.put([]*raft.Log{{Index: index, Data: data[:size]}})
		if h, b := c.load(); h != held || b != bytes {
			t.Errorf("after entry %d: %d entries of %d bytes, want %d of %d", index, h, b, held, bytes)
		}
	}
	put(1, CachedBytesMax/2, 1, CachedBytesMax/2)
	put(2, CachedBytesMax/2, 2, CachedBytesMax)
	put(3, 0, 3, CachedBytesMax)
	put(4, 1, 3, CachedBytesMax/2+1)
	put(5, CachedBytesMax, 1, CachedBytesMax)
	put(6, 1, 1, 1)
	put(7, CachedBytesMax+1, 1, CachedBytesMax+1)
	put(8, CachedBytesMax+1, 1, CachedBytesMax+1)
	put(9, 2, 1, 2)
}
