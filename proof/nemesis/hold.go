package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
)

const (
	// heldSale is the sale of which the holds end under the buyers' eyes, after heldFor by
	// the clock of holds.
	heldSale = "held"
	heldFor  = 6 * time.Second
	// heldPause lies between two of them.
	heldPause = 500 * time.Millisecond
	// heldLateMax is how long after its time a hold may be shown still by a door that nothing
	// keeps from knowing.
	heldLateMax = clockOffMax + RecoveryMax
)

// heldCounts is what became of the holds that were watched.
type heldCounts struct {
	Bought   int `json:"bought"`
	Ended    int `json:"ended"`
	Extended int `json:"extended"` // of these, how many ended later than was told first
}

// heldOrder is one of them, as its buyer knows it.
type heldOrder struct {
	user, uid   string
	first, told time.Time // when it ends, as was told first and last
	// fresh is from when on the door knows what is; zero of one that may be cut off, and shows
	// what was.
	fresh time.Time
}

// watchHolds buys, pays nothing, and looks when each hold ends: not before its buyer was told
// that it does (P7).
func (r *run) watchHolds(ctx context.Context) {
	web := newWeb()
	defer web.CloseIdleConnections()
	random := rand.New(rand.NewPCG(r.options.Seed, 3))
	doors := r.stage.doors()
	var orders []heldOrder
	for n := 1; ctx.Err() == nil; n++ {
		door := doors[random.IntN(len(doors))]
		if o, bought := r.buyHeld(ctx, web, door, heldSale, fmt.Sprintf("holder-%d", n)); bought {
			r.count(func(held *heldCounts) { held.Bought++ })
			orders = append(orders, o)
		}
		left := orders[:0]
		for i := range orders {
			if r.holds(ctx, web, door, &orders[i]) {
				left = append(left, orders[i])
			}
		}
		orders = left
		wait(ctx, heldPause)
	}
}

// userAt returns a buyer's client of a door.
func (s *stage) userAt(web *http.Client, door, user string) (*client.Client, error) {
	token, err := s.token(user, auth.RoleBuyer)
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{Address: door, Token: token, HTTP: web})
}

// buyHeld buys a ticket that is not paid.
func (r *run) buyHeld(ctx context.Context, web *http.Client, door, sale, user string) (o heldOrder, bought bool) {
	buyer, err := r.stage.userAt(web, door, user)
	if err != nil {
		return o, false
	}
	told, err := buyer.Buy(ctx, client.Purchase{Quantity: 1, Sale: sale, Key: user})
	if err != nil || told.ExpiresAt == nil {
		return o, false
	}
	return heldOrder{user: user, uid: told.Order, first: *told.ExpiresAt, told: *told.ExpiresAt}, true
}

// holds looks at an order, and reports whether it is to be looked at again.
func (r *run) holds(ctx context.Context, web *http.Client, door string, o *heldOrder) bool {
	buyer, err := r.stage.userAt(web, door, o.user)
	if err != nil {
		return false
	}
	asked := time.Now()
	is, err := buyer.Order(ctx, o.uid)
	if err != nil {
		return true // a fault
	}
	if is.State == "reserved" && is.ExpiresAt != nil {
		o.told = later(o.told, *is.ExpiresAt) // a door that is behind may say what was
	}
	if why := o.wrong(is, asked, time.Now()); why != "" {
		r.report.Verdict.wrong("P7", "%s", why)
		return false
	}
	if is.State == "expired" {
		r.count(func(held *heldCounts) {
			held.Ended++
			if o.told.After(o.first) {
				held.Extended++
			}
		})
	}
	return is.State == "reserved"
}

// count changes the report's counts of holds, which the watchers of several sales share.
func (r *run) count(change func(*heldCounts)) {
	r.counting.Lock()
	defer r.counting.Unlock()
	change(&r.report.Holds)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wrong says what is wrong with what a buyer was told of an order; "" when nothing is.
func (o *heldOrder) wrong(is *contract.Order, asked, told time.Time) string {
	early, late := o.told.Sub(told), asked.Sub(o.told)
	switch {
	case is.State == "expired" && early > clockAheadMax:
		return fmt.Sprintf("order %s expired %v before its hold ends", o.uid, early)
	case is.State == "reserved" && late > heldLateMax && !o.fresh.IsZero() && asked.After(o.fresh):
		return fmt.Sprintf("order %s is held still, %v after its hold ended", o.uid, late)
	case is.State != "expired" && is.State != "reserved":
		return fmt.Sprintf("order %s, which nobody paid, is %s", o.uid, is.State)
	}
	return ""
}
