package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// hand strikes what its schedule says, one fault after the other, each at its time or when the
// one before has ended.
type hand struct {
	stage   *stage
	strikes []strike
	log     func(format string, args ...any)
	mu      sync.Mutex
	struck  map[string]int // by class
}

// work strikes until the schedule is over. Each fault is mended before the next one.
func (h *hand) work(ctx context.Context) error {
	began := time.Now()
	for _, s := range h.strikes {
		wait(ctx, time.Until(began.Add(s.at)))
		if ctx.Err() != nil {
			return nil
		}
		what, err := h.strike(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.class, err)
		}
		h.count(s, what)
	}
	return nil
}

func (h *hand) count(s strike, what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if what == "" {
		h.struck[nobodyLed]++
		return
	}
	h.struck[s.class]++
	h.log("%s for %v (%s)", s.class, s.length, what)
}

// strike does one fault and mends it. It returns what was struck, "" for nothing.
func (h *hand) strike(ctx context.Context, s strike) (what string, err error) {
	p := h.stage.provider
	switch s.class {
	case providerKilled, providerDown:
		return p.name, p.down(ctx, s.length)
	case providerSlow:
		return p.name, p.slow(ctx, s.length)
	case providerThrottles:
		return p.name, p.throttles(ctx, s.length)
	case accountChanged:
		return p.name, p.changes(ctx, s.length, h.stage.accept)
	case booksLost:
		return p.name, p.loses(ctx, s.length)
	case frontEndKilled:
		return h.stage.frontEnd.name, revive(ctx, s.length, h.stage.frontEnd)
	case allKilled:
		return "all", revive(ctx, s.length, h.stage.nodes...)
	}
	return h.strikeOne(ctx, s)
}

// nobodyLed counts strikes that found nobody to strike.
const nobodyLed = "strikes while nobody led"

// leaderMax is for how long a strike waits for an election.
const leaderMax = 30 * time.Second

// strikeOne strikes the leader, or a node that does not lead.
func (h *hand) strikeOne(ctx context.Context, s strike) (what string, err error) {
	leader := h.stage.leader(ctx)
	for end := time.Now().Add(leaderMax); leader == nil && time.Now().Before(end) && ctx.Err() == nil; leader = h.stage.leader(ctx) {
		wait(ctx, 100*time.Millisecond)
	}
	if leader == nil {
		return "", nil
	}
	switch s.class {
	case leaderPaused:
		return leader.name, leader.pause(ctx, s.length)
	case leaderKilled:
		return leader.name, revive(ctx, s.length, leader)
	}
	var others []*process
	for _, n := range h.stage.nodes {
		if n != leader {
			others = append(others, n)
		}
	}
	other := others[s.pick%len(others)]
	return other.name, revive(ctx, s.length, other)
}

// revive kills processes and starts them again.
func revive(ctx context.Context, length time.Duration, all ...*process) error {
	for _, p := range all {
		p.kill()
	}
	wait(ctx, length)
	var errs []error
	for _, p := range all {
		errs = append(errs, p.start())
	}
	return errors.Join(errs...)
}
