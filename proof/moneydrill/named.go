package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The causes of differences that the drill makes.
const (
	causeRefundFailed = "refund failed"
	causeDisputed     = "disputed"
)

// expected is a difference that reconciling must name.
type expected struct {
	amount int64 // minor units
	cause  string
}

// checkNamed: reconciling names each difference between the orders and the books of the account
// that the provider has, with its amount, and none other; each has a cause that the drill made.
// Nothing is due any more that could go on, under any account.
func checkNamed(v *verdict, e *evidence, all map[string][]*charge, of map[string]*order) {
	booked := map[string]bool{}
	for _, is := range e.Accounts {
		compareNamed(v, is.Said.Differences, predict(is.Books, all, of))
		if is.Said.More {
			v.wrong("named", "there are more differences than are told")
		}
		for key := range is.Books {
			booked[key] = true
		}
	}
	if last := e.Accounts[0].Said; last.Unsettled > 0 {
		v.wrong("settled", "%d orders are not settled", last.Unsettled)
	}
	for _, uid := range slices.Sorted(maps.Keys(of)) {
		a := of[uid]
		checkEnded(v, a, e.At)
		if a.kept() > 0 && !booked[a.Final.PaymentRef] {
			v.wrong("money", "order %s is paid, and no account has its charge %s", uid, a.Final.PaymentRef)
		}
	}
}

// checkEnded: nobody is paying beyond their deadline. One that is still in time says nothing, and
// neither does the run, which must have waited for it.
func checkEnded(v *verdict, a *order, at time.Time) {
	switch {
	case a.Final == nil || a.Final.State != statePaying:
	case isStuck(a.Final, at):
		v.wrong("settled", "order %s is still paying at %s, its hold and grace ended at %s", a.UID, at.Format(time.TimeOnly), payingUntil(a.Final).In(at.Location()).Format(time.TimeOnly))
	default:
		v.void = append(v.void, fmt.Sprintf("order %s may be paying until %s", a.UID, payingUntil(a.Final).In(at.Location()).Format(time.TimeOnly)))
	}
}

// compareNamed holds what was named to what the drill predicts.
func compareNamed(v *verdict, said []difference, want map[string]expected) {
	named := map[string]bool{}
	for _, d := range said {
		is, known := want[d.Key]
		named[d.Key] = true
		switch {
		case !known:
			v.wrong("named", "%s of %s (order %s): %s; the drill finds none", d.Kind, d.Key, d.Order, d.Detail)
		case is.cause == "":
			v.wrong("cause", "%s of %s (order %s): %s; the drill did nothing that makes it", d.Kind, d.Key, d.Order, d.Detail)
		case d.Amount != is.amount:
			v.wrong("named", "%s of %s (order %s) is told as %d, and is %d: %s", d.Kind, d.Key, d.Order, d.Amount, is.amount, d.Detail)
		}
		v.counts["difference "+d.Kind+": "+is.cause]++
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !named[key] {
			v.wrong("named", "%s differs by %d (%s), and reconciling does not say so", key, want[key].amount, want[key].cause)
		}
	}
}

// predict is the drill's own reconciliation of one account's books, by key: what is held of a
// charge is what its order's paid tickets cost, when it is the one that paid it, and else nothing.
func predict(b books, all map[string][]*charge, of map[string]*order) map[string]expected {
	want := map[string]expected{}
	for key, c := range b {
		must := int64(0)
		if a := of[c.Order]; a != nil && a.kept() > 0 && key == a.Final.PaymentRef {
			must = a.kept()
		}
		if held := c.held(); held != must {
			want[key] = expected{max(held-must, must-held), causeOf(all[c.Order])}
		}
	}
	return want
}

// causeOf says what the drill did to an order's charges that makes its money differ; "" for
// nothing.
func causeOf(charges []*charge) string {
	cause := ""
	for _, c := range charges {
		switch {
		case len(c.Dispute) > 0:
			return causeDisputed
		case strings.HasPrefix(c.Method, "tok_refund_"):
			cause = causeRefundFailed
		}
	}
	return cause
}
