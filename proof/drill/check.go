//go:build linux

package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// What is checked, of the record alone but for the money:
//
//	count     at no time are more tickets of a sale certainly held than it has; at the end
//	          all orders' tickets and what is available are what it had
//	cap       at no time does anybody certainly hold more than two of a sale
//	order     who had an answer before another asked has the lower seq; no two have one seq;
//	          after "sold out" of a sale whose tickets never come back nobody gets one
//	key       a key has one order, and every answer says it
//	answered  an order stays what was said of it: user, sale, quantity, seq; its state goes
//	          forward, by as_of_seq, and what is final stays; every door lists the same orders
//	time      no hold ends before its time, and all end after it
//	money     an order that is paid was charged once, and what else was taken went back
//
// An order certainly holds its tickets from the answer that said so until its hold may end,
// until somebody asked to cancel it, or for ever when it was told to be paid.

// findings collects violations by their promise.
type findings struct {
	found  map[string][]string
	counts map[string]int // what each check has looked at
}

func newFindings() *findings {
	return &findings{found: map[string][]string{}, counts: map[string]int{}}
}

func (f *findings) add(promise, format string, words ...any) {
	f.found[promise] = append(f.found[promise], fmt.Sprintf(format, words...))
}

// ledger is the record, sorted by what is asked of it.
type ledger struct {
	events []event
	buys   map[string][]*event // by key
	orders map[string]*history // by uid
	final  map[string]bool     // orders of the lists at the end
	sales  map[string]*event   // as they were at the end
}

// history is one order, by all that was said of it.
type history struct {
	uid, key, user, sale string
	quantity             int // as asked
	seq                  uint64
	said                 []saying
	cancelAsked          int64 // 0 for never
	payAsked             bool
	paidTold             int64 // when it was first told to be paid; 0 for never
}

// saying is one answer about an order.
type saying struct {
	state, moneyBack string
	quantity         int
	asOf             uint64
	told             int64
	expires, created time.Time
	door             string
	last             bool // of the lists at the end
}

// the states that an order never leaves, while nobody refunds.
func isFinal(state string) bool {
	return state == "paid" || state == "expired" || state == "cancelled" || state == "refunded"
}

// holds reports whether an order in this state has tickets.
func holds(state string) bool {
	return state == "reserved" || state == "paying" || state == "paid"
}

func newLedger(events []event, f *findings) *ledger {
	l := &ledger{events: events, buys: map[string][]*event{}, orders: map[string]*history{}, final: map[string]bool{}, sales: map[string]*event{}}
	for i := range events {
		l.enter(&events[i], f)
	}
	return l
}

func (l *ledger) enter(e *event, f *findings) {
	a := &e.answer
	switch e.Kind {
	case buy:
		l.buys[e.Key] = append(l.buys[e.Key], e)
		if e.decided() && a.Order != "" {
			h := l.order(a.Order)
			h.key, h.user, h.sale, h.quantity = e.Key, e.User, e.Sale, e.Quantity
			if h.seq = a.Seq; !e.Again { // a replayed answer says the state of now
				h.said = append(h.said, saying{state: a.State, quantity: a.Quantity, asOf: a.Seq, told: e.Told, expires: a.ExpiresAt, door: e.Door})
			}
		}
	case cancel:
		h := l.order(e.Order)
		if h.cancelAsked == 0 {
			h.cancelAsked = e.Sent
		}
		l.say(e, a, f)
	case pay:
		h := l.order(e.Order)
		h.payAsked = true
		if e.decided() && a.Status == "accepted" {
			h.said = append(h.said, saying{state: "paid", asOf: a.Seq, told: e.Told, door: e.Door})
		}
	case read:
		l.say(e, a, f)
	case list:
		for i := range a.Orders {
			l.final[a.Orders[i].UID] = true
			l.say(e, &a.Orders[i], f)
		}
	case sale:
		if e.decided() {
			l.sales[e.Sale] = e
		}
	}
}

func (l *ledger) order(uid string) *history {
	h := l.orders[uid]
	if h == nil {
		h = &history{uid: uid}
		l.orders[uid] = h
	}
	return h
}

// say notes a whole order, and compares what never changes.
func (l *ledger) say(e *event, a *answer, f *findings) {
	if !e.decided() || a.UID == "" {
		return
	}
	h := l.order(a.UID)
	if h.key == "" { // its answer was lost: what it refers to says whose it is
		h.key, h.user, h.sale, h.seq = a.Reference, a.User, a.Sale, a.Seq
	}
	f.counts["answered"]++
	if h.key != a.Reference || h.user != a.User || h.sale != a.Sale || h.seq != a.Seq || e.User != a.User {
		f.add("answered", "order %s of %s, %s, key %s, seq %d is told at %s as of %s, %s, key %s, seq %d",
			a.UID, h.user, h.sale, h.key, h.seq, e.Door, a.User, a.Sale, a.Reference, a.Seq)
	}
	h.said = append(h.said, saying{a.State, a.MoneyBack, a.Quantity, a.AsOfSeq, e.Told, a.ExpiresAt, a.Created, e.Door, e.Kind == list})
}

// check looks at everything.
func check(events []event, books []charge) *findings {
	f := newFindings()
	l := newLedger(events, f)
	l.checkOrder(f)
	l.checkKeys(f)
	l.checkRushes(f)
	for _, uid := range sortedKeys(l.orders) {
		l.checkHistory(f, l.orders[uid])
	}
	l.checkHoldings(f)
	l.checkEnd(f)
	l.checkMoney(f, books)
	return f
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// place is a decision of a buy: when it can have been made, and where in the line it is.
type place struct {
	asked, told int64
	seq         uint64
	key         string
}

// places are all decisions of buys, one of each.
func (l *ledger) places() (all []place) {
	for _, key := range sortedKeys(l.buys) {
		first := l.buys[key][0].Sent
		for _, e := range l.buys[key] {
			first = min(first, e.Sent)
		}
		for _, e := range l.buys[key] {
			if !e.decided() || e.answer.Seq == 0 {
				continue
			}
			asked := e.Sent
			if e.Again { // it was decided when an earlier one came
				asked = first
			}
			all = append(all, place{asked, e.Told, e.answer.Seq, key})
		}
	}
	return all
}

// checkOrder holds the line: what was told before something was asked stands in front.
func (l *ledger) checkOrder(f *findings) {
	asked := l.places()
	told := slices.Clone(asked)
	slices.SortFunc(asked, func(a, b place) int { return cmp.Compare(a.asked, b.asked) })
	slices.SortFunc(told, func(a, b place) int { return cmp.Compare(a.told, b.told) })
	owners := map[uint64]string{}
	var highest place
	next := 0
	for _, p := range asked {
		for ; next < len(told) && told[next].told < p.asked; next++ {
			if told[next].seq > highest.seq {
				highest = told[next]
			}
		}
		f.counts["order"]++
		if p.seq <= highest.seq && p.key != highest.key {
			f.add("order", "key %s has seq %d, and was asked %v after key %s was told %d", p.key, p.seq, time.Duration(p.asked-highest.told), highest.key, highest.seq)
		}
		if owner, is := owners[p.seq]; is && owner != p.key {
			f.add("order", "keys %s and %s have both seq %d", owner, p.key, p.seq)
		}
		owners[p.seq] = p.key
	}
}

// checkKeys: a key's answers name one order.
func (l *ledger) checkKeys(f *findings) {
	for _, key := range sortedKeys(l.buys) {
		f.counts["key"]++
		order, seq := "", uint64(0)
		for _, e := range l.buys[key] {
			if !e.decided() || e.answer.Order == "" {
				continue
			}
			if order != "" && (order != e.answer.Order || seq != e.answer.Seq) {
				f.add("key", "key %s has orders %s (seq %d) and %s (seq %d)", key, order, seq, e.answer.Order, e.answer.Seq)
			}
			order, seq = e.answer.Order, e.answer.Seq
		}
	}
	owners := map[string]string{}
	for _, uid := range sortedKeys(l.orders) {
		key := l.orders[uid].key
		if other, is := owners[key]; is && key != "" {
			f.add("key", "key %s has orders %s and %s", key, other, uid)
		}
		if len(l.buys[key]) == 0 {
			f.add("key", "order %s refers to %q, which nobody asked for", uid, key)
		}
		owners[key] = uid
	}
}

// checkRushes: tickets of these sales never come back, so nobody has one behind the first
// who was told that there are none; and then all are gone.
func (l *ledger) checkRushes(f *findings) {
	first := map[string]uint64{} // seq of the first refusal
	for _, key := range sortedKeys(l.buys) {
		for _, e := range l.buys[key] {
			if e.decided() && e.answer.Reason == "sold_out" && isRush(e.Sale) && (first[e.Sale] == 0 || e.answer.Seq < first[e.Sale]) {
				first[e.Sale] = e.answer.Seq
			}
		}
	}
	for _, uid := range sortedKeys(l.orders) {
		h := l.orders[uid]
		if at := first[h.sale]; at > 0 && h.seq > at {
			f.add("order", "order %s has a ticket of %s at seq %d, and it was sold out at %d", uid, h.sale, h.seq, at)
		}
	}
	for _, id := range sortedKeys(first) {
		f.counts["sold out"]++
		if s := l.sales[id]; s != nil && s.answer.Available != 0 {
			f.add("count", "%s was sold out, and has %d tickets", id, s.answer.Available)
		}
	}
}
