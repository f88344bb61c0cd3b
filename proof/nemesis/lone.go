package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"onsale/api/contract"
)

// A node that is a cluster alone is suspended, with a hold running, for longer than that. It
// keeps its term, and nobody else can say that time went by: it must find out itself, give the
// time back, and only once.

const (
	loneSale = "lone"
	loneHold = 8 * time.Second
	// The suspensions: the first two as they are named, so that a short run has both.
	loneShort = 15 * time.Second
	loneLong  = time.Minute
	// loneLater is how much more than the suspension is given back at most: since its last
	// batch, and what a busy machine takes.
	loneLater = 5 * time.Second
)

// suspendLone suspends the lone node again and again.
func (r *run) suspendLone(ctx context.Context) {
	web := newWeb()
	defer web.CloseIdleConnections()
	random := rand.New(rand.NewPCG(r.options.Seed, 5))
	hold, made := contract.Duration(loneHold), false
	for n := 1; ctx.Err() == nil; n++ {
		if seller, err := r.stage.seller(r.stage.lone); err == nil && !made {
			_, err = seller.CreateSale(ctx, contract.NewSale{ID: loneSale, Item: "Lone", Quantity: mainQuantity, Price: new(int64(0)), Currency: "EUR", Hold: &hold})
			made = err == nil
		}
		lasts := loneShort + time.Duration(random.Int64N(int64(loneLong-loneShort)))
		switch len(r.report.LoneSuspensions) {
		case 0:
			lasts = loneShort
		case 1:
			lasts = loneLong
		}
		r.suspendWhile(ctx, web, fmt.Sprintf("lonely-%d", n), lasts)
		wait(ctx, heldPause)
	}
}

// suspendWhile suspends the node while a hold runs, and follows that to its end.
func (r *run) suspendWhile(ctx context.Context, web *http.Client, user string, lasts time.Duration) {
	door := r.stage.lone.host.address + ":8101"
	o, bought := r.buyHeld(ctx, web, door, loneSale, user)
	if !bought {
		return // it has no leader yet
	}
	began := time.Now()
	if err := r.stage.lone.pause(); err != nil {
		r.report.Verdict.wrong("lone", "%v", err)
	}
	wait(ctx, lasts)
	lasts = time.Since(began)
	if err := r.stage.lone.resume(); err != nil {
		r.report.Verdict.wrong("lone", "%v", err)
	}
	if ctx.Err() != nil {
		return
	}
	o.fresh = time.Now().Add(loneLater)
	r.log("the lone node was suspended for %v", lasts.Round(time.Millisecond))

	for held := true; held && ctx.Err() == nil; wait(ctx, heldPause) {
		held = r.holds(ctx, web, door, &o)
	}
	if ctx.Err() != nil {
		return // its hold has not ended
	}
	r.report.LoneSuspensions = append(r.report.LoneSuspensions, lasts.Seconds())
	if given := o.told.Sub(o.first); given < lasts-clockAheadMax || given > lasts+loneLater {
		r.report.Verdict.wrong("P7", "the lone node was suspended for %v, and gave back %v", lasts, given)
	}
}
