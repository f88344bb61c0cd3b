package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"onsale/internal/failpoint"
)

// crashAtPoint is the class of deaths at named places of the program.
const crashAtPoint = "crash at a failpoint"

// hitsMax bounds how many hits of its failpoint a process survives: later ones strike
// in the middle of the load.
const hitsMax = 20

// crashAtFailpoint lets a process die at a place that is drawn. When it never comes by,
// nothing happens; so what died where is counted from the logs (crashedAt). The
// supervisor starts it again.
func crashAtFailpoint(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p, names := b.whoDies(ctx, random)
	if p.isDead() {
		return nil, errNotNow
	}
	return p.arm(failpoint.Crash(names[random.IntN(len(names))], 1+random.IntN(hitsMax)))
}

// whoDies draws a process and returns the places that it may come by: mostly a node, and
// of those mostly the leader.
func (b *breaker) whoDies(ctx context.Context, random *rand.Rand) (*process, []failpoint.Name) {
	switch random.IntN(8) {
	case 0:
		return b.stage.frontEnds[random.IntN(frontEndCount)], failpoint.DoorNames()
	case 1:
		return b.stage.provider, failpoint.ProviderNames()
	}
	if leader := b.leader(ctx); leader != nil && random.IntN(2) == 0 {
		return leader, failpoint.NodeNames()
	}
	return b.anyVoter(random), failpoint.NodeNames()
}

// slowDisk is the class of disks that are slow and do not fail, which no time-out of a
// peer shows as long as the heartbeats come.
const slowDisk = "slow a disk"

// appendDelayMax is how much longer a slow disk takes for an append to the log at most:
// the heartbeats' time-out would end the office of one that is slower, which a paused
// node shows already.
const appendDelayMax = 100 * time.Millisecond

func slowAppends(_ context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.take(p) {
		return nil, errNotNow
	}
	delay := time.Millisecond + time.Duration(random.Int64N(int64(appendDelayMax-time.Millisecond)))
	mend, err := p.arm(failpoint.Delay(failpoint.LogAppendBefore, delay))
	return b.whole(p, mend), err
}

// arm makes a plan for the process' failpoints, and returns what takes it back unless
// another has taken its place.
func (p *process) arm(plan string) (disarm func() error, err error) {
	disarm = func() error {
		if armed, err := os.ReadFile(p.pointFile); errors.Is(err, fs.ErrNotExist) || err == nil && string(armed) != plan {
			return nil // it has happened, or is forgotten
		} else if err != nil {
			return err
		}
		if err := os.Remove(p.pointFile); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil // it has happened just now
	}
	return disarm, os.WriteFile(p.pointFile, []byte(plan), 0o600)
}

// hits counts where processes died and hung, as their logs tell.
func (r *run) hits() (crashes, hangs map[string]int) {
	crashes, hangs = map[string]int{}, map[string]int{}
	for _, p := range r.stage.all() {
		log, err := os.Open(p.logPath)
		if err != nil {
			continue // it never ran
		}
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			hit, is := strings.CutPrefix(lines.Text(), "failpoint ")
			name, action, _ := strings.Cut(hit, ": ")
			switch {
			case is && action == "crash":
				crashes[name]++
			case is:
				hangs[name]++
			}
		}
		_ = log.Close() // only read from
	}
	return crashes, hangs
}
