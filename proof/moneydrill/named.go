package main

import (
	"maps"
	"slices"
	"strings"
)

// The causes of differences that the drill makes.
const (
	causeBooksAway    = "books away"
	causeRefundFailed = "refund failed"
	causeDisputed     = "disputed"
)

// expected is a difference that reconciling must name.
type expected struct {
	amount int64 // minor units; 0 for any
	cause  string
}

// checkNamed: reconciling names each difference between the orders and the books that the
// provider has now, with its amount, and none other; each has a cause that the drill made.
func checkNamed(v *verdict, e *evidence, all map[string][]*charge, of map[string]*account) {
	want := predict(e, all, of)
	named := map[string]bool{}
	for _, d := range e.Said.Differences {
		is, known := want[d.Key]
		named[d.Key] = true
		switch {
		case !known && d.Kind == kindTwice && causeOf(all[d.Order], e) == causeBooksAway:
		case !known:
			v.wrong("named", "%s of %s (order %s): %s; the drill finds none", d.Kind, d.Key, d.Order, d.Detail)
		case is.cause == "":
			v.wrong("cause", "%s of %s (order %s): %s; the drill did nothing that makes it", d.Kind, d.Key, d.Order, d.Detail)
		case is.amount != 0 && d.Amount != is.amount && d.Kind != kindTwice:
			v.wrong("named", "%s of %s (order %s) is told as %d, and is %d: %s", d.Kind, d.Key, d.Order, d.Amount, is.amount, d.Detail)
		}
		v.counts["difference "+d.Kind+": "+is.cause]++
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !named[key] && !e.Said.More {
			v.wrong("named", "%s differs by %d (%s), and reconciling does not say so", key, want[key].amount, want[key].cause)
		}
	}
	checkUnsettled(v, e, all, of)
}

// kindTwice is of an order, and told with a charge that may be no difference by itself.
const kindTwice = "charged_twice"

// checkUnsettled: work goes on for no order, but for those whose charges are in books that are
// away.
func checkUnsettled(v *verdict, e *evidence, all map[string][]*charge, of map[string]*account) {
	excused := 0
	for uid, a := range of {
		away := causeOf(all[uid], e) == causeBooksAway
		if away {
			excused++
		}
		if a.Final != nil && a.Final.State == statePaying && !away {
			v.wrong("settled", "order %s is still paying", uid)
		}
	}
	if e.Said.Unsettled > excused {
		v.wrong("settled", "%d orders are not settled, and %d have charges in books that are away", e.Said.Unsettled, excused)
	}
}

// predict is the drill's own reconciliation, by key.
func predict(e *evidence, all map[string][]*charge, of map[string]*account) map[string]expected {
	want := map[string]expected{}
	for uid, a := range of {
		cause := causeOf(all[uid], e)
		ref := ""
		if a.kept() > 0 {
			ref = a.Final.PaymentRef
		}
		if e.Books[ref] == nil && ref != "" {
			want[ref] = expected{a.kept(), cause}
		}
		for _, c := range all[uid] {
			must := int64(0)
			if c.Key == ref {
				must = a.kept()
			}
			if differs, known := differenceOf(e.Books[c.Key], c, must); known {
				want[c.Key] = expected{differs, cause}
			}
		}
	}
	return want
}

// differenceOf compares what must be held of a charge with what the provider's books have now. c is
// the charge in any books: one that took money, or may, and is not in these is a difference too.
func differenceOf(now, c *charge, must int64) (amount int64, differs bool) {
	held := int64(0)
	if now != nil {
		held = now.held()
	}
	switch {
	case held != must:
		return max(held-must, must-held), true
	case now == nil && c.held()+c.Captured > 0, now != nil && now.Captured == 0 && c.Captured > 0:
		return 0, true
	}
	return 0, false
}

// causeOf says what the drill did to an order's charges that makes its money differ; "" for
// nothing.
func causeOf(charges []*charge, e *evidence) string {
	cause := ""
	for _, c := range charges {
		switch {
		case slices.ContainsFunc(e.Away, func(b books) bool { return b[c.Key] != nil }):
			return causeBooksAway
		case len(c.Dispute) > 0:
			cause = causeDisputed
		case strings.HasPrefix(c.Method, "tok_refund_"):
			cause = causeRefundFailed
		}
	}
	return cause
}
