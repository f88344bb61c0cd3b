package webhook

import (
	"sync"
	"sync/atomic"
	"time"

	"onsale/api/contract"
)

// shown is what others may see of a courier, at any time.
type shown struct {
	attempts   [len(resultNames)]atomic.Uint64
	feedErrors atomic.Uint64

	mu        sync.Mutex
	now       contract.Webhook
	published time.Time
}

// count notes an attempt that ended.
func (s *shown) count(o outcome) {
	s.attempts[o.result].Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.status != 0 {
		s.now.ClockSeconds = o.clock.Seconds()
	}
	s.now.Error = o.said
}

// status returns how the endpoint stood a second ago at most.
func (s *shown) status() contract.Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// publish brings what is shown up to date, once a publishInterval at most, and returns when to do it
// again.
func (c *courier) publish(now time.Time) (again time.Time) {
	s := c.shown
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := s.published.Add(publishInterval); now.Before(next) {
		return next
	}
	s.published = now
	s.now.Name, s.now.Origin, s.now.Position = c.name, c.config.origin(), c.now.Position
	s.now.Pending, s.now.Dead, s.now.Stopped = c.queue.count, c.dead, c.now.Stopped
	s.now.LagSeconds = c.lag(now).Seconds()
	s.now.FeedError = ""
	if c.feedErr != nil {
		s.now.FeedError = c.feedErr.Error()
	}
	return now.Add(idleInterval)
}

// lag is how old the oldest event is that was not delivered, by the wall clock and the log's. Of
// events that were not read it knows that there are some, and that they are newer than the last
// one that was.
func (c *courier) lag(now time.Time) time.Duration {
	at, some := c.queue.oldest()
	if !some && c.behind {
		at, some = c.newest, !c.newest.IsZero()
	}
	if !some {
		return 0
	}
	return max(now.Sub(at), 0)
}
