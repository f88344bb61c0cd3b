package raftfsm

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"onsale/internal/moment"
)

// What a node waits for may never come: a disk that hangs returns no error. raft's heartbeats
// run beside the disk and beside Apply, so a leader that does nothing any more would keep its
// office for ever. Every call of the disk and every Apply is timed while it is under way, and
// what hangs has a consequence by what stands still with it:
//
//	part            stands still         from StallMax on                  from StallTogetherMax on
//	log, votes      raft's own loop      the process ends, unless a        the process ends
//	                                     majority's disks hang as well
//	apply, journal  the decisions        the office is handed over         the process ends
//	snapshot        the log's end is     nothing                           an alarm
//	                not cut
//
// Meanwhile who asks the node is refused and who waits is told that the outcome is unknown
// (leadership.leave). A call that is slow and returns is an alarm and nothing else.
//
// Why end a process of which only the decisions hang? raft queues 128 batches for Apply; then
// its own loop stands too, and the node neither stores nor votes.

// ErrStalled is what the process ends with when its disk, or its decisions, hang.
var ErrStalled = errors.New("it hangs")

// partKind is what stands still with a part.
type partKind uint8

const (
	partStore  partKind = iota // raft's own loop
	partDecide                 // the decisions
	partBeside                 // nothing that anybody waits for
)

// partSnapshot is the name of the part that hangs beside all else.
const partSnapshot = "snapshot"

// part is a kind of calls that may hang.
type part struct {
	name  string
	kind  partKind
	calls *moment.Calls
}

const (
	// breakMin is how late the watchdog is when this process stood still itself: it was
	// suspended, or had no processor. What began before hangs only from then on.
	breakMin = time.Second
	// slowLasts is for how long after a slow call the disk counts as slow.
	slowLasts = time.Minute
)

// stalls watches what may hang. All methods are safe for concurrent use.
type stalls struct {
	config *Config
	parts  []part

	mu     sync.Mutex
	looked time.Time // when the watchdog looked last
	awake  time.Time // since when it looks without a break
	slow   *time.Time
	hangs  *Hang
}

// Hang is what hangs in a node.
type Hang struct {
	Part  string    `json:"part"` // log, votes, journal, apply or snapshot
	Since time.Time `json:"since"`
}

func newStalls(n *Node) *stalls {
	now := time.Now()
	return &stalls{config: &n.config, looked: now, awake: now, parts: []part{
		{"log", partStore, n.data.Log.Calls()},
		{"votes", partStore, n.data.Votes.Calls()},
		{"journal", partDecide, &n.machine.journaling}, // before what waits for it
		{"apply", partDecide, &n.machine.applying},
		{partSnapshot, partBeside, n.data.Snapshots.Calls()},
	}}
}

// longest returns the part of some kinds that hangs for longest, and for how long; 0 when no
// call is under way.
func (s *stalls) longest(kinds ...partKind) (name string, lasts time.Duration) {
	for _, p := range s.parts {
		// A part that another one waits for comes first, and began a moment later.
		if d := s.lasts(&p); slices.Contains(kinds, p.kind) && d > 0 && d > lasts+apartMax {
			name, lasts = p.name, d
		}
	}
	return name, lasts
}

// apartMax is by how much two calls of which one waits for the other lie apart at most.
const apartMax = 100 * time.Millisecond

// lasts returns for how long the oldest call of a part that is under way has not returned; 0
// when none is.
func (s *stalls) lasts(p *part) time.Duration {
	began, any := p.calls.Oldest()
	if !any {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if began.Before(s.awake) {
		began = s.awake
	}
	return time.Since(began)
}

// look takes in what hangs now. It is called by the watchdog alone, again and again.
func (s *stalls) look() {
	now := time.Now()
	s.mu.Lock()
	if now.Sub(s.looked) > breakMin {
		s.awake = now
	}
	s.looked = now
	s.mu.Unlock()

	name, lasts := s.longest(partStore, partDecide)
	hung := lasts >= s.config.StallMax
	if !hung {
		name, lasts = s.longest(partBeside)
		hung = lasts >= s.config.stallTogether()
	}
	slow := s.isSlow(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !hung:
		s.hangs = nil
	case s.hangs == nil || s.hangs.Part != name:
		s.config.Logger.Error("a call does not return", "part", name, "for", lasts.String())
		s.hangs = &Hang{name, now.Add(-lasts).Round(0).UTC()}
	}
	switch {
	case !slow:
		s.slow = nil
	case s.slow == nil:
		s.config.Logger.Warn("the disk is slow, or decisions are", "longer_than", moment.Slow.String())
		s.slow = &now
	}
}

// isSlow reports whether a call that somebody waits for takes long, or has lately.
func (s *stalls) isSlow(now time.Time) bool {
	if _, lasts := s.longest(partStore, partDecide); lasts >= moment.Slow {
		return true
	}
	for _, p := range s.parts {
		if count, last := p.calls.SlowOnes(); p.kind != partBeside && count > 0 && now.Sub(last) < slowLasts {
			return true
		}
	}
	return false
}

// Hanging returns what hangs; nil when nothing does.
func (s *stalls) hanging() *Hang {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hangs
}

// slowSince returns since when calls are slow; nil while they are not.
func (s *stalls) slowSince() *time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slow
}

// stalledError says what hangs, and for how long.
func stalledError(name string, lasts time.Duration) error {
	return fmt.Errorf("%w: %s does not return since %v", ErrStalled, name, lasts.Round(time.Millisecond))
}
