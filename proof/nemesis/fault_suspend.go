package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

func pauseNode(_ context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.take(p) {
		return nil, errNotNow
	}
	return b.whole(p, p.resume), p.pause()
}

// outageGrace is the nodes' --outage-grace: short, so that many outages are given back.
// Suspensions of all last longer: nobody leads, and each node finds on its own that time
// went by.
const (
	outageGrace = 2 * time.Second
	suspendMin  = outageGrace + time.Second
	suspendMax  = 3 * outageGrace
)

// suspendAll stops all voters where they are, as a host does that saves its guests.
func suspendAll(_ context.Context, b *breaker, _ *rand.Rand) (mend func() error, err error) {
	var mends []func() error
	mend = func() (err error) {
		for _, one := range mends {
			err = errors.Join(err, one())
		}
		return err
	}
	for _, p := range b.stage.voters() {
		if !b.take(p) {
			return nil, errors.Join(errNotNow, mend())
		}
		mends = append(mends, b.whole(p, p.resume))
		err = errors.Join(err, p.pause())
	}
	return mend, err
}
