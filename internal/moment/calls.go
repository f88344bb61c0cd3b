package moment

import (
	"sync"
	"time"
)

// Slow is how long a call takes that counts as slow.
const Slow = time.Second

// Calls are the calls of one kind: since when those that are under way are, and how many were
// slow. The zero value is ready. All methods are safe for concurrent use.
type Calls struct {
	mu    sync.Mutex
	began []time.Time // of those under way; zero where a place is free
	slow  uint64
	last  time.Time // when the last slow one ended
}

// Begin notes that a call begins, and returns its place, which End takes.
func (c *Calls) Begin() (place int) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for place := range c.began {
		if c.began[place].IsZero() {
			c.began[place] = now
			return place
		}
	}
	c.began = append(c.began, now)
	return len(c.began) - 1
}

// End notes that the call at a place has ended.
func (c *Calls) End(place int) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.began[place]) >= Slow {
		c.slow++
		c.last = now
	}
	c.began[place] = time.Time{}
}

// Oldest returns when the call began that is under way for longest; false when none is.
func (c *Calls) Oldest() (began time.Time, any bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.began {
		if !at.IsZero() && (!any || at.Before(began)) {
			began, any = at, true
		}
	}
	return began, any
}

// SlowOnes returns how many calls were slow, and when the last of them ended.
func (c *Calls) SlowOnes() (count uint64, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slow, c.last
}
