package main

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"onsale/internal/failpoint"
)

// crashAtPoint is the class of deaths at named places of the program.
const crashAtPoint = "crash at a failpoint"

// Later hits strike in the middle of the load, so that a process survives some of its failpoint:
// fewer than hitsMax, and of the provider, which comes by some of its places now and then, fewer
// than providerHitsMax.
const (
	hitsMax         = 20
	providerHitsMax = 3
)

// armedMin and armedMax are for how long a process may come by its failpoint. Nothing is broken
// meanwhile, so that it is longer than a fault lasts.
const (
	armedMin = 2 * time.Second
	armedMax = 8 * time.Second
)

// placeDeck deals each place of a kind of process before any comes again: there are many of them,
// and in an hour of draws some never came up.
type placeDeck struct {
	all, left []failpoint.Name
	hitsMax   int
}

// placeDecks are those of each kind.
type placeDecks struct{ node, frontEnd, provider placeDeck }

func newPlaceDecks() placeDecks {
	return placeDecks{
		node:     placeDeck{all: failpoint.NodeNames(), hitsMax: hitsMax},
		frontEnd: placeDeck{all: failpoint.DoorNames(), hitsMax: hitsMax},
		provider: placeDeck{all: failpoint.ProviderNames(), hitsMax: providerHitsMax},
	}
}

// crash draws a place, and after how many hits of it a process dies.
func (d *placeDeck) crash(random *rand.Rand) (plan string) {
	if len(d.left) == 0 {
		d.left = slices.Clone(d.all)
		random.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	last := len(d.left) - 1
	place := d.left[last]
	d.left = d.left[:last]
	return failpoint.Crash(place, 1+random.IntN(d.hitsMax))
}

// crashAtFailpoint lets a process die at a place that is drawn. When it never comes by,
// nothing happens; so what died where is counted from the logs (hits). The
// supervisor starts it again.
func crashAtFailpoint(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p, places := b.whoDies(ctx, random)
	if p.isDead() {
		return nil, errNotNow
	}
	return p.arm(places.crash(random))
}

// whoDies draws a process and returns the places that it may come by: mostly a node, and
// of those mostly the leader.
func (b *breaker) whoDies(ctx context.Context, random *rand.Rand) (*process, *placeDeck) {
	switch random.IntN(8) {
	case 0:
		return b.stage.frontEnds[random.IntN(frontEndCount)], &b.places.frontEnd
	case 1:
		return b.stage.provider, &b.places.provider
	}
	if leader := b.leader(ctx); leader != nil && random.IntN(2) == 0 {
		return leader, &b.places.node
	}
	return b.anyVoter(random), &b.places.node
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
