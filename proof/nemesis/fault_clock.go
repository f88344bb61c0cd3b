package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// jumpClock is the class of wall clocks that somebody sets.
const jumpClock = "jump a clock"

const (
	// jumpSecondsMax bounds a jump; every hold is shorter.
	jumpSecondsMax = 2 * 3600
	// clockOffMax is how far the log's time may be off all along (P7): a second that a
	// clock may disagree without an alarm, and what elections and batches take.
	clockOffMax = 5 * time.Second
)

// jump moves a node's wall clock forward or back; half of the time the node that leads.
// A node that has not seen yet that its clock is right believes it, as every node does
// at its start, and is left alone.
func jump(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if leader := b.leader(ctx); leader != nil && random.IntN(2) == 0 {
		p = leader
	}
	status, err := b.stage.status(ctx, p)
	if off := time.Duration(time.Now().UnixNano() - status.LogTime); err != nil || off > time.Second || off < -time.Second || !b.take(p) {
		return nil, errNotNow
	}
	seconds := 2 + random.IntN(jumpSecondsMax)
	if random.IntN(2) == 0 {
		seconds = -seconds
	}
	return b.whole(p, func() error { return os.Remove(p.clockFile) }), os.WriteFile(p.clockFile, []byte(fmt.Sprint(seconds)), 0o600)
}

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
