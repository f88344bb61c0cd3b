package forward

import (
	"context"
	"errors"
	"time"

	"onsale/cluster/codes"
	"onsale/sequencer"
)

// errand is something that only the leader can do.
type errand interface {
	// attempt tries it once at a node; at has no address when none is known.
	attempt(ctx context.Context, at candidate) error
	// over reports whether the errand ends with what an attempt came to, and with
	// which error; else it is tried again.
	over(err error) (outcome error, ended bool)
	// late returns how an errand ends that ctx ended, with ctx's error; last is what
	// the last attempt came to.
	late(ended, last error) error
}

// The growing pause between two attempts.
const (
	retryPauseMin = time.Millisecond
	retryPauseMax = 50 * time.Millisecond
)

// follow brings an errand to the leader, whoever that is by then: it tries the node
// that is thought to lead, learns from the answer who else may, and goes on until the
// errand is over or ctx ends. What may be tried again is for the errand to say.
func follow(ctx context.Context, directory *Directory, e errand) error {
	var last error
	for pause := retryPauseMin; ctx.Err() == nil; pause = min(2*pause, retryPauseMax) {
		at := directory.candidate()
		err := e.attempt(ctx, at)
		if outcome, ended := e.over(err); ended {
			return outcome
		}
		last = err

		if directory.learn(at.address, err) {
			pause = retryPauseMin
		}
		directory.pause(ctx, pause)
	}
	return e.late(ctx.Err(), last)
}

// fate is what became of something that was sent to a node.
type fate byte

const (
	// answered: the node did it, or says itself what is the matter.
	answered fate = iota
	// refused: the node says itself that it did not take it.
	refused
	// unreached: nobody who leads got it.
	unreached
	// unanswered: it may have been taken.
	unanswered
)

// fateOf returns what an attempt's error says.
func fateOf(err error) fate {
	switch {
	case err == nil:
		return answered
	case isAny(err, errNotSent, sequencer.ErrNoLeader, sequencer.ErrSuperseded):
		return unreached
	case isAny(err, sequencer.ErrOverloaded, sequencer.ErrStopping, sequencer.ErrStorageLow, codes.ErrSessionForgotten, codes.ErrRejected):
		return refused
	case gone(err):
		return unanswered
	}
	return answered
}

func isAny(err error, of ...error) bool {
	for _, one := range of {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// namedLeader returns the other leader that an error of the node at an address names.
func namedLeader(address string, err error) (other *sequencer.NotLeaderError, named bool) {
	named = errors.As(err, &other) && other.LeaderAddress != "" && other.LeaderAddress != address
	return other, named
}

// learn draws the consequences of an error for who is thought to lead, and reports
// whether somebody else was named.
func (d *Directory) learn(address string, err error) bool {
	if other, named := namedLeader(address, err); named {
		d.SetLeader(other.LeaderID, other.LeaderAddress)
		return true
	}
	if isAny(err, errNotSent) || gone(err) {
		d.miss(address)
	}
	if isAny(err, sequencer.ErrNoLeader, sequencer.ErrStopping, sequencer.ErrSuperseded) || gone(err) {
		d.suspect(address)
	}
	return false
}

// pause waits before the next attempt, but not longer than for news of a leader.
func (d *Directory) pause(ctx context.Context, length time.Duration) {
	_, _, changed := d.Leader()
	timer := time.NewTimer(length)
	defer timer.Stop()

	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer.C:
	}
}
