package main

import (
	"context"
	"errors"
	"math/rand/v2"
)

// partition cuts a voter off from the other nodes and from the front-ends, in one or
// both directions. Half of the time it is the leader.
func partition(sends, hears bool) func(context.Context, *breaker, *rand.Rand) (func() error, error) {
	return func(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
		p := b.anyVoter(random)
		if leader := b.leader(ctx); leader != nil && random.IntN(2) == 0 {
			p = leader
		}
		return b.cutOff(p, sends, hears)
	}
}

func cutFrontEnd(_ context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	return b.cutOff(b.stage.frontEnds[random.IntN(frontEndCount)], true, true)
}

func (b *breaker) cutOff(p *process, sends, hears bool) (func() error, error) {
	if !b.take(p) {
		return nil, errNotNow
	}
	var mends []func() error
	var failed error
	cut := func(from, to *host) {
		if err := from.cut(to); err != nil {
			failed = errors.Join(failed, err)
			return
		}
		mends = append(mends, func() error { return from.heal(to) })
	}
	for _, other := range append(append([]*process{}, b.stage.nodes...), b.stage.frontEnds...) {
		if other == p {
			continue
		}
		// Two cuts of one way at once are one: the route is there already.
		if sends && !b.isBroken(other) {
			cut(p.host, other.host)
		}
		if hears && !b.isBroken(other) {
			cut(other.host, p.host)
		}
	}
	return b.whole(p, func() (err error) {
		for _, mend := range mends {
			err = errors.Join(err, mend())
		}
		return err
	}), failed
}

func (b *breaker) isBroken(p *process) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken[p]
}

// disturb delays what a node sends and loses what it is sent. A leader under load sends several megabits a
// second.
func disturb(_ context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.take(p) {
		return nil, errNotNow
	}
	return b.whole(p, p.host.calm), p.host.disturb(weather{rateKbit: 500 + random.IntN(8000), queueMillis: 20 + random.IntN(180), lossPercent: random.IntN(20)})
}

// probeWeather reports whether the kernel can delay and lose packets.
func probeWeather() bool {
	return weather{rateKbit: 1000, queueMillis: 50, lossPercent: 1}.begin("", "lo") == nil && endWeather("", "lo") == nil
}
