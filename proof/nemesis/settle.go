package main

import (
	"context"
	"errors"
	"fmt"
	"onsale/api/client"
	"time"
)

// settleTime is within what all must be the same again when nobody asks any more.
const settleTime = 60 * time.Second

// settle waits until everything is settled, compares what only running nodes know, and
// stops them.
func (r *run) settle(ctx context.Context) error {
	r.log("everything is healed; waiting until all is settled")
	r.returnAll()
	if err := r.mustAgree(ctx); err != nil {
		return err
	}
	r.checkOrders(ctx)
	r.checkLeaks(ctx)
	r.unsupervise()
	for _, p := range r.stage.all() {
		r.report.Starts[p.name] = p.starts
		if !p.isDead() {
			if err := p.stop(); err != nil {
				r.report.Verdict.wrong("stop", "%v", err)
			}
		}
	}
	return nil
}

// mustAgree waits until the replicas are equal (P8) and the provider's books and the
// orders are (P6).
func (r *run) mustAgree(ctx context.Context) error {
	problem := "nothing was compared"
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		if problem = r.differ(ctx); problem == "" {
			break
		}
	}
	if problem != "" {
		r.report.Verdict.wrong("P8", "not settled within %v: %s", settleTime, problem)
	}
	leader, err := r.stage.awaitLeader(ctx, RecoveryMax)
	if err != nil {
		return err
	}
	seller, err := r.stage.seller(leader)
	if err != nil {
		return err
	}
	r.mustReconcile(ctx, seller)
	return nil
}

// mustReconcile waits until all payments are settled, as long as some are every minute.
func (r *run) mustReconcile(ctx context.Context, seller *client.Seller) {
	least := int(^uint(0) >> 1)
	for progress := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		found, err := seller.Reconcile(ctx)
		switch {
		case err == nil && found.Unsettled == 0 && len(found.Differences) == 0:
			return
		case err == nil && found.Unsettled < least:
			least, progress = found.Unsettled, time.Now()
		case time.Since(progress) > settleTime:
			r.report.Verdict.wrong("P6", "the provider's books and the orders: %+v, %v", found, err)
			return
		}
	}
}

// differ says how the voters differ; "" when they do not.
func (r *run) differ(ctx context.Context) string {
	first, err := r.stage.status(ctx, r.stage.nodes[0])
	r.report.Terms = max(r.report.Terms, first.Term)
	for _, n := range r.stage.voters()[1:] {
		status, failed := r.stage.status(ctx, n)
		err = errors.Join(err, failed)
		if err == nil && (status.Seq != first.Seq || status.StateHash != first.StateHash || status.JournalHash != first.JournalHash) {
			return fmt.Sprintf("%s is at %d with state %s, %s at %d with state %s", first.NodeID, first.Seq, first.StateHash, status.NodeID, status.Seq, status.StateHash)
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
