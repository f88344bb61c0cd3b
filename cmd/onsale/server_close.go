package main

import (
	"context"
	"errors"
	"time"
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

// close hands the leadership over, drains the listeners, whose requests go to the
// next leader meanwhile, and stops the node: who was taken is answered.
func (v *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var errs []error
	v.draining.begin()
	if v.node != nil {
		v.node.HandOver()
	}
	if v.public != nil {
		errs = append(errs, v.public.Shutdown(ctx))
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
		errs = append(errs, v.desk.Close(), v.closeProvider())
	}
	if v.replica != nil {
		errs = append(errs, v.replica.Close())
	}
	if v.node != nil {
		errs = append(errs, v.node.Close())
	}
	if v.private != nil {
		errs = append(errs, v.closePrivate())
	} else if v.privateListener != nil {
		errs = append(errs, v.privateListener.Close())
	}
	v.tokens.close()
	return errors.Join(errs...)
}
