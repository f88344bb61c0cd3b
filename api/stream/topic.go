package stream

import (
	"sync"
	"time"
)

// topic is all who listen to the same events, and the newest event.
type topic struct {
	serving     sync.Mutex    // held while events are written, however many listen
	subscribers []*Subscriber // who is written to; behind serving

	// mu is never held while something is written, so that who joins or asks does
	// not wait for everybody's event.
	mu      sync.Mutex
	joined  []*Subscriber // who is not among the subscribers yet
	count   int           // of both
	event   []byte
	version uint64
	asOf    uint64 // seq of which the event tells
	expires int64  // when the first of the listeners does, or earlier; 0 for never
}

// add lets a subscriber hear what comes.
func (t *topic) add(s *Subscriber) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.joined = append(t.joined, s)
	t.count++
	t.expires = earlier(t.expires, s.right.Expires)
}

// earlier returns the earlier of two times of which 0 is never.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// isDue reports whether somebody's time is over at now (Unix seconds).
func (t *topic) isDue(now int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expires != 0 && t.expires <= now
}

// expire ends the streams of which nothing is to be told any more at now (Unix seconds), and
// returns whose.
func (t *topic) expire(now int64) (left []*Subscriber) {
	t.serving.Lock()
	defer t.serving.Unlock()
	_, _ = t.begin()
	next := int64(0)
	kept := t.subscribers[:0]
	for _, s := range t.subscribers {
		if s.right.isOver(now) {
			s.conn.Close()
			left = append(left, s)
			continue
		}
		next = earlier(next, s.right.Expires)
		kept = append(kept, s)
	}
	clear(t.subscribers[len(kept):])
	t.subscribers = kept
	t.left(len(left))

	t.mu.Lock()
	defer t.mu.Unlock()
	t.expires = next
	for _, s := range t.joined { // since begin
		t.expires = earlier(t.expires, s.right.Expires)
	}
	return left
}

// publish makes an event the newest, as of a seq; the same again is nothing new, and who
// read before another one and comes after it tells nothing.
func (t *topic) publish(asOf, version uint64, event []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if version != t.version && asOf >= t.asOf {
		t.version, t.asOf, t.event = version, asOf, event
	}
}

// serve writes the newest event to all who have not seen it, or beat to those who have
// when it is not empty, and returns who left.
func (t *topic) serve(beat []byte, now time.Time) (left []*Subscriber) {
	t.serving.Lock()
	defer t.serving.Unlock()
	event, version := t.begin()
	kept := t.subscribers[:0]
	for _, s := range t.subscribers {
		if s.serve(event, version, beat, now) {
			kept = append(kept, s)
			continue
		}
		s.conn.Close()
		left = append(left, s)
	}
	clear(t.subscribers[len(kept):])
	t.subscribers = kept
	t.left(len(left))
	return left
}

// begin takes in who joined and returns the newest event. The caller holds serving.
func (t *topic) begin() (event []byte, version uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribers = append(t.subscribers, t.joined...)
	clear(t.joined)
	t.joined = t.joined[:0]
	return t.event, t.version
}

func (t *topic) left(count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count -= count
}

// end closes everybody's stream, and returns whose.
func (t *topic) end() (left []*Subscriber) {
	t.serving.Lock()
	defer t.serving.Unlock()
	_, _ = t.begin()
	for _, s := range t.subscribers {
		s.conn.Close()
	}
	left = t.subscribers
	t.subscribers = nil
	t.left(len(left))
	return left
}

// size returns how many listen.
func (t *topic) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}
