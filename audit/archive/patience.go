package archive

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// How long an archiver waits before it asks the store again: twice as long each time, and a random
// part of that, so that two do not meet again and again.
const (
	pauseMin = 500 * time.Millisecond
	pauseMax = time.Minute
)

// final reports whether an error stays one however often the store is asked.
func final(err error) bool {
	for _, e := range []error{ErrOtherHistory, ErrSuperseded, ErrGap, ErrDamaged, ErrVersion, ErrOverwrites, errRaced} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// patiently calls fn until it succeeds, fails for good, or ctx ends; once only when the archiver
// does not wait for anything.
func (a *Archiver) patiently(ctx context.Context, fn func(ctx context.Context) error) error {
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
		err := fn(ctx)
		if err != nil && ctx.Err() != nil {
			return err // it was not asked to the end
		}
		if a.status.answered(err); err == nil || final(err) || a.config.Once {
			return err
		}
		a.config.Log.Warn("the archive's store failed; trying again", "error", err, "pause", pause)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}
