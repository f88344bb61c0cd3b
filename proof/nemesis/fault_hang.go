package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"onsale/internal/failpoint"
)

// hangs are the classes of calls that do not come back for a while, and the places at which
// they hang. failpoint.HangNames are all of them.
var hangs = map[string][]failpoint.Name{
	"hang raft's log": {failpoint.LogAppendBefore},
	"hang the votes":  {failpoint.VoteBefore},
	"hang apply":      {failpoint.ApplyBefore},
	"hang a journal":  {failpoint.JournalPutBefore, failpoint.JournalSyncBefore},
	"hang a snapshot": {failpoint.SnapshotWriteBefore, failpoint.SnapshotClosing},
}

// A hang lasts from one to the other: shorter and longer than a node waits for its disk.
const (
	hangMin = time.Second
	hangMax = 9 * time.Second
)

// hangReachMax bounds how long a node is given to come by the place at which it shall hang,
// from the strike on: other faults at the same time can keep it from there for a while.
const hangReachMax = 5 * time.Second

// hang lets a call of a node hang, mostly of the one that leads: its heartbeats go on beside
// the call. The fault ends when the call has come back, or the process has ended itself.
func hang(places []failpoint.Name) func(context.Context, *breaker, *rand.Rand) (func() error, error) {
	return func(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
		p, place := b.anyVoter(random), places[random.IntN(len(places))]
		if leader := b.leader(ctx); leader != nil && random.IntN(3) != 0 {
			p = leader
		}
		if p.isDead() || !b.take(p) {
			return nil, errNotNow
		}
		lasts := hangMin + time.Duration(random.Int64N(int64(hangMax-hangMin)))
		ctx, cancel := context.WithTimeout(ctx, hangReachMax)
		disarm, err := p.arm(failpoint.Hang(place, lasts))
		go b.provoke(ctx, p, place)
		return b.whole(p, func() error {
			defer cancel()
			for ctx.Err() == nil && p.isArmed() {
				time.Sleep(failpoint.ReadInterval)
			}
			if !p.isArmed() {
				p.outlive(lasts)
			}
			return disarm()
		}), err
	}
}

// isArmed reports whether the process has not come by the place of its plan.
func (p *process) isArmed() bool {
	_, err := os.Stat(p.pointFile)
	return !errors.Is(err, fs.ErrNotExist)
}

// outlive waits for a time, or until the process has ended.
func (p *process) outlive(lasts time.Duration) {
	select {
	case <-p.last().Ended():
	case <-time.After(lasts):
	}
}

// provokeInterval is how long a node that did not come by its place is left before it is
// brought there again.
const provokeInterval = 500 * time.Millisecond

// provoke brings a node by a place that load alone does not bring it to, until it was there
// or ctx ends.
func (b *breaker) provoke(ctx context.Context, p *process, place failpoint.Name) {
	for ; ctx.Err() == nil && p.isArmed(); time.Sleep(provokeInterval) {
		switch place {
		case failpoint.VoteBefore:
			_, _ = transfer(ctx, b, nil) // it may be refused because of other faults
		case failpoint.JournalSyncBefore, failpoint.SnapshotWriteBefore, failpoint.SnapshotClosing:
			if seller, err := b.stage.seller(p); err == nil {
				_ = seller.Snapshot(ctx, io.Discard) // it hangs, or is refused because of other faults
			}
		}
	}
}
