package api

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"onsale/api/contract"
	"onsale/sequencer"
)

// A seller may let fewer buys through than come, while the sale runs, when what comes behind them
// cannot follow: the shop, the payment provider, the network. Each process that buyers come to lets
// BuysPerSecond of a sale through and refuses the others with 429, before they have a place in line.
// A sale without that costs one comparison a buy.

// valveBurst is how much of a second's buys may come at once.
const valveBurst = 10

// valves are those of the sales that have one; sales are bounded, and so are they.
type valves struct {
	limiters sync.Map // valveKey → *rate.Limiter
	refused  atomic.Uint64
}

type valveKey struct {
	cluster uint8
	sale    uint16
}

// pass lets a buy of a sale through, or says when to come back.
func (v *valves) pass(cluster uint8, sale *sequencer.SaleView, now time.Time) error {
	if sale.BuysPerSecond == 0 {
		return nil
	}
	limit, burst := rate.Limit(sale.BuysPerSecond), int(sale.BuysPerSecond/valveBurst)+1
	key := valveKey{cluster, sale.Number}
	is, any := v.limiters.Load(key)
	if !any {
		is, _ = v.limiters.LoadOrStore(key, rate.NewLimiter(limit, burst))
	}
	limiter := is.(*rate.Limiter)
	if limiter.Limit() != limit { // the seller has turned it
		limiter.SetLimitAt(now, limit)
		limiter.SetBurstAt(now, burst)
	}
	if limiter.AllowN(now, 1) {
		return nil
	}
	v.refused.Add(1)
	problem := contract.NewProblem(contract.Throttled, "the seller lets no more buys of this sale through at once; come back after the time that Retry-After says")
	problem.RetryAfter = time.Second
	return problem
}
