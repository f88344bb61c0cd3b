package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// evidence is all that the check looks at.
type evidence struct {
	At     time.Time // when all was still; orders were listed just before
	Orders []*order
	// Accounts are those that the cluster charges under.
	Accounts []*accountBooks
	Lost     []books // that took the place of others for a while, and that nobody accepted
	Orphans  []orphan
	Disputed []dispute
}

// accountBooks are the books of an account, and what reconciling said while the provider had them.
type accountBooks struct {
	Books books
	Said  reconciliation
}

// reconciliation is what `onsale payments reconcile` prints.
type reconciliation struct {
	Unsettled int `json:"unsettled"`
	Money     []struct {
		Currency string `json:"currency"`
		Captured int64  `json:"captured_amount"`
		Refunded int64  `json:"refunded_amount"`
	} `json:"money"`
	Differences []difference `json:"differences"`
	More        bool         `json:"more_differences"`
}

// difference is one that was named.
type difference struct {
	Kind   string `json:"kind"`
	Key    string `json:"payment"`
	Order  string `json:"order"`
	Amount int64  `json:"amount"` // minor units
	Detail string `json:"detail"`
}

// orphan and dispute are lines of `onsale payments orphans` and `disputes`.
type (
	orphan struct {
		Key string `json:"payment"`
	}
	dispute struct {
		Key string `json:"payment"`
	}
)

// check holds the orders, the books and what was said of them to each other.
func check(e *evidence) *verdict {
	v := newVerdict()
	of := map[string]*order{}
	for _, a := range e.Orders {
		of[a.UID] = a
		v.counts["orders"]++
		checkAnswers(v, a)
	}
	all := union(e)
	checkMoney(v, all, of, notReturned(e))
	checkNamed(v, e, all, of)
	for _, c := range e.Accounts[1].Books {
		if c.Captured > 0 {
			v.counts[secondCaptured]++
		}
	}
	for _, is := range e.Accounts {
		checkSums(v, is)
		checkDisputes(v, is.Books, e.Disputed)
	}
	for _, b := range e.Lost {
		for _, key := range slices.Sorted(maps.Keys(b)) {
			v.wrong("lost", "charge %s is in books that nobody accepted: %s, captured %d", key, b[key].Phase, b[key].Captured)
		}
	}
	for _, o := range e.Orphans {
		v.wrong("orphans", "charge %s is told to be of a lost order; none was lost", o.Key)
	}
	return v
}

// The states and words of orders that the check knows.
const (
	statePaid     = "paid"
	stateRefunded = "refunded"
	statePaying   = "paying"
	moneyDue      = "due"
	moneyFailed   = "failed"
)

// checkAnswers: what buyer and seller were told is still so, and nothing else happened.
func checkAnswers(v *verdict, a *order) {
	if a.Final == nil {
		v.wrong("answers", "order %s was told to %s, who does not find it at the end", a.UID, a.User)
		return
	}
	state, parts := a.Final.State, ticketsOfParts(a)
	back := parts // with the rest, when that went too
	if state == stateRefunded {
		back += int(a.Final.Quantity)
	}
	v.counts["orders at the end: "+state]++
	switch {
	case a.Accepted && state != statePaid && state != stateRefunded:
		v.wrong("answers", "order %s was told to be paid, and is %s", a.UID, state)
	case a.Refunded && state != stateRefunded:
		v.wrong("answers", "order %s was told to be refunded, and is %s", a.UID, state)
	case back < a.Parts:
		v.wrong("answers", "of order %s %d tickets were told to be refunded, and %d are", a.UID, a.Parts, back)
	case a.Unsure:
		return
	case state == stateRefunded && !a.Refunded && !a.SaleCancelled:
		v.wrong("answers", "order %s is refunded, and nobody asked for it", a.UID)
	case parts > a.Parts || state == statePaid && parts != a.Parts:
		v.wrong("answers", "of order %s %d tickets are refunded, and %d were asked for", a.UID, parts, a.Parts)
	case a.Final.MoneyBack == "" && state == stateRefunded:
		v.wrong("answers", "order %s is refunded, and says nothing of its money", a.UID)
	case state == statePaid && int(a.Final.Quantity)+parts != a.Bought-a.GivenBack:
		v.wrong("answers", "order %s has %d tickets and %d refunded ones, of %d bought and %d given back", a.UID, a.Final.Quantity, parts, a.Bought, a.GivenBack)
	}
}

func ticketsOfParts(a *order, words ...string) (tickets int) {
	for _, p := range a.Final.Parts {
		if len(words) == 0 || slices.Contains(words, p.MoneyBack) {
			tickets += int(p.Quantity)
		}
	}
	return tickets
}

// kept is what the seller keeps of an order's money, for tickets that are paid.
func (a *order) kept() int64 {
	if a.Final == nil || a.Final.State != statePaid {
		return 0
	}
	return a.Price * int64(a.Final.Quantity)
}

// due is what the order itself says that its buyer must still get back, of what was captured. When
// a part's refund failed and its money was to go back with the rest, that is one return, which
// failed, of which some may be back: then reconciling must say how much is not (named).
func (a *order) due(captured, named int64) int64 {
	switch {
	case a.Final == nil:
		return 0
	case a.Final.State == stateRefunded && a.Final.MoneyBack == moneyFailed && ticketsOfParts(a, moneyFailed) > 0:
		return named
	case a.Final.State == statePaid:
		return a.Price * int64(ticketsOfParts(a, moneyDue, moneyFailed))
	case a.Final.MoneyBack == moneyDue || a.Final.MoneyBack == moneyFailed:
		return captured - a.Price*int64(ticketsOfParts(a, "done"))
	}
	return 0
}

// notReturned is how much of each order reconciling names as not returned.
func notReturned(e *evidence) map[string]int64 {
	amounts := map[string]int64{}
	for _, is := range e.Accounts {
		for _, d := range is.Said.Differences {
			if d.Kind == "not_returned" {
				amounts[d.Order] += d.Amount
			}
		}
	}
	return amounts
}

// union is every charge in all books that there ever were, by order.
func union(e *evidence) map[string][]*charge {
	all := map[string][]*charge{}
	for _, is := range e.Accounts {
		enter(all, is.Books)
	}
	for _, b := range e.Lost {
		enter(all, b)
	}
	return all
}

func enter(all map[string][]*charge, b books) {
	for _, key := range slices.Sorted(maps.Keys(b)) {
		all[b[key].Order] = append(all[b[key].Order], b[key])
	}
}

// checkMoney: captured = price x paid tickets + returned + due, of every order by all books
// together, and at most one charge keeps money.
func checkMoney(v *verdict, all map[string][]*charge, of map[string]*order, named map[string]int64) {
	for _, uid := range slices.Sorted(maps.Keys(all)) {
		if of[uid] == nil {
			v.wrong("money", "the books have charges of order %s, which is nobody's", uid)
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(of)) {
		a, sum, keeping := of[uid], charge{}, 0
		for _, c := range all[uid] {
			v.counts["charges"]++
			sum.Captured, sum.Refunded = sum.Captured+c.Captured, sum.Refunded+c.Refunded
			if c.Captured > c.Refunded {
				keeping++
			}
			if c.Currency != a.Currency {
				v.wrong("money", "charge %s is in %s, the sale in %s", c.Key, c.Currency, a.Currency)
			}
		}
		kept, due := a.kept(), a.due(sum.Captured, named[uid])
		v.add(a.Currency, sums{sum.Captured, kept, sum.Refunded, due})
		if sum.Captured != kept+sum.Refunded+due || keeping > 1 {
			v.wrong("money", "order %s (%s): captured %d, paid tickets %d, returned %d, due %d, in %d charges", uid, stateOf(a), sum.Captured, kept, sum.Refunded, due, keeping)
		}
	}
}

func stateOf(a *order) string {
	if a.Final == nil {
		return "not found"
	}
	return strings.TrimSpace(a.Final.State + " " + a.Final.MoneyBack)
}

// secondCaptured is what a run must have that changed the account.
const secondCaptured = "charges that the second account captured"

// checkSums: what reconciling says was taken and went back is what the books say.
func checkSums(v *verdict, is *accountBooks) {
	mine := map[string]charge{}
	for _, c := range is.Books {
		sum := mine[c.Currency]
		mine[c.Currency] = charge{Captured: sum.Captured + c.Captured, Refunded: sum.Refunded + c.Refunded}
	}
	for _, m := range is.Said.Money {
		if sum := mine[m.Currency]; sum.Captured != m.Captured || sum.Refunded != m.Refunded {
			v.wrong("sums", "reconciling says %d %s captured and %d refunded, the books have %d and %d", m.Captured, m.Currency, m.Refunded, sum.Captured, sum.Refunded)
		}
		delete(mine, m.Currency)
	}
	for currency, sum := range mine {
		if sum.Captured > 0 {
			v.wrong("sums", "reconciling says nothing of %d %s that were captured", sum.Captured, currency)
		}
	}
}

// checkDisputes: those that are listed are those of the books.
func checkDisputes(v *verdict, of books, told []dispute) {
	listed := map[string]bool{}
	for _, d := range told {
		listed[d.Key] = true
	}
	for _, c := range slices.SortedFunc(maps.Values(of), func(a, b *charge) int { return cmp.Compare(a.Key, b.Key) }) {
		if c.bounced > 0 {
			v.counts["refunds that failed later"] += c.bounced
		}
		if len(c.Dispute) == 0 {
			continue
		}
		if v.counts["disputes"]++; !listed[c.Key] {
			v.wrong("disputes", "charge %s is disputed, and not listed", c.Key)
		}
	}
}
