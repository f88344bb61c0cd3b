package main

import (
	"context"
	"errors"
	"time"

	"onsale/raftfsm"
	"onsale/sequencer"
)

// drainTimeout bounds how long a stopping server lets requests finish.
const drainTimeout = 10 * time.Second

// privateDrainTimeout bounds it for the private listener, which is the last.
const privateDrainTimeout = time.Second

// closePrivate ends the private listener, at last by force: a connection on which
// nothing was asked yet counts as busy for several seconds, and the node that
// could answer is gone.
func (v *server) closePrivate() error {
	ctx, cancel := context.WithTimeout(context.Background(), privateDrainTimeout)
	defer cancel()
	if err := v.private.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

const (
	// leaderlessTimeouts is how many heartbeat timeouts without a leader a stopping node lets
	// requests wait for one: an election takes little more than one.
	leaderlessTimeouts = 2
	// leaderlessInterval is how often it looks.
	leaderlessInterval = 10 * time.Millisecond
)

// drainPublic drains the buyers' listener. Requests under way go to the next leader; when all
// nodes stop at once there is none, and they are told so instead of waiting for one.
func (v *server) drainPublic(ctx context.Context) error {
	drained := make(chan struct{})
	defer close(drained)
	go func() {
		hasLeader := func() bool {
			leader, another := errors.AsType[*sequencer.NotLeaderError](v.replica.Leader())
			if v.reader != nil { // it hears of leaders from those that it asks
				_, address, _ := v.directory.Leader()
				return !another || address != ""
			}
			return !another || leader.LeaderID != ""
		}
		if outlasts(drained, leaderlessTimeouts*v.settings.Node.HeartbeatTimeout, hasLeader) {
			_ = v.replica.Client().Close() // who waits is answered; replica closes it again
		}
	}()
	return v.public.Shutdown(ctx)
}

// outlasts returns true when something was not there for a time without a break, false when
// done is closed before.
func outlasts(done <-chan struct{}, limit time.Duration, isThere func() bool) bool {
	for last := time.Now(); time.Since(last) < limit; {
		if isThere() {
			last = time.Now()
		}
		select {
		case <-done:
			return false
		case <-time.After(leaderlessInterval):
		}
	}
	return true
}

// hungCloseMax bounds how long a server stops whose node ended because something hangs: who
// waits was told so, and the others elect a leader when its process is gone.
const hungCloseMax = time.Second

// closeAfter closes a server that ended with an error; nil for one that was told to stop.
func (v *server) closeAfter(err error) error {
	if !errors.Is(err, raftfsm.ErrStalled) {
		return v.close()
	}
	closed := make(chan error, 1)
	go func() { closed <- v.close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(hungCloseMax):
		return nil // the process ends
	}
}

// close hands the leadership over, drains the listeners, whose requests go to the
// next leader meanwhile, and stops the node: who was taken is answered. It waits for nothing
// that hangs.
func (v *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var errs []error
	v.draining.begin()
	if v.node != nil {
		v.node.HandOver()
	}
	if v.public != nil {
		errs = append(errs, v.drainPublic(ctx))
	} else if v.publicListener != nil {
		errs = append(errs, v.publicListener.Close())
	}
	errs = append(errs, v.closeBackfill())
	if v.manager != nil {
		errs = append(errs, v.manager.Close())
	}
	if v.forward != nil {
		errs = append(errs, v.forward.Close())
	}
	if v.desk != nil {
		errs = append(errs, v.desk.Close())
	}
	if v.closeProvider != nil {
		errs = append(errs, v.closeProvider())
	}
	if v.replica != nil {
		errs = append(errs, v.replica.Close())
	}
	v.orders.close()
	if v.node != nil {
		errs = append(errs, v.node.Close())
	}
	if v.reader != nil {
		errs = append(errs, v.reader.Close())
	}
	if v.private != nil {
		errs = append(errs, v.closePrivate())
	} else if v.privateListener != nil {
		errs = append(errs, v.privateListener.Close())
	}
	v.tokens.close()
	return errors.Join(append(errs, closeAudit(v.audit))...)
}
