package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// jumpClock is the class of wall clocks that somebody sets, and wrongClock of those that are
// wrong when their node starts.
const (
	jumpClock  = "jump a clock"
	wrongClock = "start with a wrong clock"
)

const (
	// jumpSecondsMax bounds a jump; most holds are shorter.
	jumpSecondsMax = 2 * 3600
	// clockOffMax is how far the log's time may be off all along (P7): a second that a
	// clock may disagree without an alarm, and what elections and batches take.
	clockOffMax = 5 * time.Second
)

// jump moves a node's wall clock forward or back; half of the time the node that leads.
func jump(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if leader := b.leader(ctx); leader != nil && random.IntN(2) == 0 {
		p = leader
	}
	if p.isDead() || !b.takeClock(p) {
		return nil, errNotNow
	}
	return b.rightClock(p), p.setClock(2+random.IntN(jumpSecondsMax), random)
}

// setClock sets a node's wall clock ahead, or back.
func (p *process) setClock(seconds int, random *rand.Rand) error {
	if random.IntN(2) == 0 {
		seconds = -seconds
	}
	return os.WriteFile(p.clockFile, fmt.Append(nil, seconds), 0o600)
}

// wrongSeconds are by how much clocks are wrong from the start: a time zone, or what a battery
// loses.
var wrongSeconds = [...]int{3600, 3600, 2, 30}

// startWrong starts a node anew with a wall clock that is wrong, and lets it lead if it can:
// before it has heard the log's time, or just after.
func startWrong(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.takeClock(p) {
		return nil, errNotNow
	}
	p.kill()
	err := p.setClock(wrongSeconds[random.IntN(len(wrongSeconds))], random)
	if err == nil {
		err = p.start()
	}
	go b.promote(ctx, p)
	return b.rightClock(p), err
}

// promote hands the leadership to a node whose clock is wrong, and counts when it has it.
func (b *breaker) promote(ctx context.Context, p *process) {
	ctx, cancel := context.WithTimeout(ctx, faultMax)
	defer cancel()
	for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		leader := b.leader(ctx)
		switch {
		case leader == p:
			b.count(ledWrong)
			return
		case leader != nil:
			if seller, err := b.stage.seller(leader); err == nil {
				_, _ = seller.ClusterStep(ctx, "transfer", map[string]string{"id": p.name}) // not before it has caught up
			}
		}
	}
}

// ledWrong is how often a node led that had started with a wrong clock.
const ledWrong = "of these, led"

// checkClock holds the log's time, as of a purchase just now, against the clock: a jump
// that it followed would end holds early, or late (P7).
func (r *run) checkClock(ctx context.Context) {
	leader := r.stage.leader(ctx)
	if leader == nil {
		return
	}
	status, err := r.stage.status(ctx, leader)
	if err != nil {
		return
	}
	r.report.ClockChecks++
	if off := time.Duration(status.LogTime - time.Now().UnixNano()); off > clockOffMax || off < -clockOffMax {
		r.report.Verdict.wrong("P7", "the log's time is %v off the clock at %s", off, leader.name)
	}
}
