package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The pace: a fault every StrikePauseMean or so, that lasts up to FaultMax; calm after
// every era.
const (
	strikePauseMean = 1500 * time.Millisecond
	faultMin        = 300 * time.Millisecond
	faultMax        = 4 * time.Second
	eraTime         = 30 * time.Second
	// RecoveryMax is within what buys must succeed again after all faults ended (L1).
	RecoveryMax = 10 * time.Second
)

// deck deals every class as often as it has cards before any comes again.
type deck struct {
	random  *rand.Rand
	classes []class
	left    []class
}

func (d *deck) draw() class {
	if len(d.left) == 0 {
		d.shuffle()
	}
	last := len(d.left) - 1
	c := d.left[last]
	d.left = d.left[:last]
	return c
}

func (d *deck) shuffle() {
	for _, c := range d.classes {
		for range c.cards {
			d.left = append(d.left, c)
		}
	}
	d.random.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
}

// putBack takes a card that could not be played, which comes again before long: a rare
// class must not go without.
func (d *deck) putBack(c class) {
	if len(d.left) == 0 {
		d.shuffle()
	}
	d.left = slices.Insert(d.left, d.random.IntN(len(d.left)), c)
}

// fault is one that is under way.
type fault struct {
	name string
	ends time.Time
	mend func() error
}

// era strikes until its time is over, and mends everything.
func (b *breaker) era(ctx context.Context, d *deck) error {
	var under []fault
	failed := error(nil)
	for end := time.Now().Add(eraTime); time.Now().Before(end) && ctx.Err() == nil && failed == nil; {
		card := d.draw()
		if card.alone {
			under = b.mendAll(under)
		}
		if mend, err := card.strike(ctx, b, d.random); err == nil {
			b.count(card.name)
			lasts := card.lasts(d.random)
			b.log("%s for %v", card.name, lasts.Round(time.Millisecond))
			under = append(under, fault{card.name, time.Now().Add(lasts), mend})
			if card.alone {
				wait(ctx, lasts)
				under = b.mendAll(under)
			}
		} else if errors.Is(err, errNotNow) {
			d.putBack(card)
		} else {
			failed = fmt.Errorf("%s: %w", card.name, err)
		}
		pause := time.Duration(d.random.ExpFloat64() * float64(strikePauseMean))
		for next := time.Now().Add(min(pause, 2*strikePauseMean)); time.Now().Before(next) && failed == nil; time.Sleep(20 * time.Millisecond) {
			under = b.mendDue(under, time.Now())
			failed = b.failure()
		}
	}
	b.mendAll(under)
	return errors.Join(failed, b.failure())
}

// lasts draws how long a fault of the class lasts.
func (c *class) lasts(random *rand.Rand) time.Duration {
	least, most := faultMin, faultMax
	switch {
	case c.alone:
		least, most = suspendMin, suspendMax
	case c.waits:
		least, most = armedMin, armedMax
	}
	return least + time.Duration(random.Int64N(int64(most-least)))
}

// wait waits for a time, or until ctx ends.
func wait(ctx context.Context, lasts time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(lasts):
	}
}

// mendAll ends all faults and returns when they have ended.
func (b *breaker) mendAll(under []fault) (none []fault) {
	b.mendDue(under, time.Now().Add(time.Hour))
	b.mending.Wait()
	return nil
}

// mendDue ends the faults that have lasted long enough, each on its own: that one takes
// its time, because of the others, must not keep the others up.
func (b *breaker) mendDue(under []fault, now time.Time) (left []fault) {
	for _, f := range under {
		if f.ends.After(now) {
			left = append(left, f)
			continue
		}
		b.mending.Go(func() {
			if err := f.mend(); err != nil {
				b.fail(fmt.Errorf("end of %q: %w", f.name, err))
			}
		})
	}
	return left
}
