//go:build linux

package main

import (
	"cmp"
	"slices"
	"time"
)

// The bounds of what clocks may differ by: the drill's, and the log's, which goes on from
// leader to leader.
const clockMax = 1500 * time.Millisecond

// churnHold is the hold of the sales whose holds end during the run.
const churnHold = 6 * time.Second

// churnGrace is by how much a payment there may outlast it, lateMax by how much its end may
// be late.
const (
	churnGrace = 15 * time.Second
	lateMax    = 5*time.Second + clockMax
)

// rank orders states; an order goes up only. Reserved and paying come and go.
func rank(state string) int {
	switch {
	case state == "waitlisted":
		return 0
	case isFinal(state):
		return 2
	}
	return 1
}

// checkHistory: an order's state goes forward, and what is final stays.
func (l *ledger) checkHistory(f *findings, h *history) {
	slices.SortStableFunc(h.said, func(a, b saying) int {
		return cmp.Or(cmp.Compare(a.asOf, b.asOf), cmp.Compare(rank(a.state), rank(b.state)))
	})
	var final *saying
	for i := range h.said {
		s := &h.said[i]
		f.counts["states"]++
		if final != nil && s.state != final.state {
			f.add("answered", "order %s was %s as of %d (%s), and is %s as of %d (%s)", h.uid, final.state, final.asOf, final.door, s.state, s.asOf, s.door)
		}
		if i > 0 && rank(s.state) < rank(h.said[i-1].state) {
			f.add("answered", "order %s was %s as of %d, and is %s as of %d", h.uid, h.said[i-1].state, h.said[i-1].asOf, s.state, s.asOf)
		}
		if isFinal(s.state) {
			final = s
		}
		if s.state == "paid" && (h.paidTold == 0 || s.told < h.paidTold) {
			h.paidTold = s.told
		}
		l.checkCause(f, h, s)
	}
}

// checkCause: nothing comes of nothing, and no hold ends before its time.
func (l *ledger) checkCause(f *findings, h *history, s *saying) {
	switch s.state {
	case "paid", "paying":
		if !h.payAsked {
			f.add("answered", "order %s is %s, and nobody paid", h.uid, s.state)
		}
	case "cancelled":
		if h.cancelAsked == 0 {
			f.add("answered", "order %s is cancelled, and nobody asked for it", h.uid)
		}
	case "refunded":
		f.add("answered", "order %s is refunded, and nobody asked for it", h.uid)
	case "expired":
		if isRush(h.sale) {
			f.add("time", "order %s of %s has expired", h.uid, h.sale)
		}
	}
	if s.state == "expired" && !s.created.IsZero() {
		f.counts["time"]++
		if early := s.created.Add(churnHold).Sub(time.Unix(0, s.told)); early > clockMax {
			f.add("time", "order %s of %v was told to have expired %v before its time", h.uid, s.created, early)
		}
	}
}

// change is a moment from which on somebody certainly holds more or fewer tickets.
type change struct {
	at       int64
	quantity int
}

// checkHoldings: what is certainly held is never more than there is, or than one may have.
func (l *ledger) checkHoldings(f *findings) {
	bySale, byBuyer := map[string][]change{}, map[string][]change{}
	for _, h := range l.orders {
		for _, s := range h.certain() {
			bySale[h.sale] = append(bySale[h.sale], s[:]...)
			who := h.sale + " " + h.user
			byBuyer[who] = append(byBuyer[who], s[:]...)
		}
	}
	for _, id := range sortedKeys(bySale) {
		if s := l.sales[id]; s != nil {
			if most := highest(bySale[id]); most > s.answer.Total {
				f.add("count", "%d tickets of %s were held at once, of %d", most, id, s.answer.Total)
			}
			f.counts["count"]++
		}
	}
	for _, who := range sortedKeys(byBuyer) {
		f.counts["cap"]++
		if most := highest(byBuyer[who]); most > 2 {
			f.add("cap", "%s held %d tickets at once", who, most)
		}
	}
}

// certain returns from when to when an order's tickets were certainly its own.
func (h *history) certain() (spans [][2]change) {
	var from, to int64
	quantity := 0
	for i := range h.said {
		s := &h.said[i]
		if !holds(s.state) || s.quantity == 0 {
			continue
		}
		if from == 0 || s.told < from {
			from = s.told
		}
		quantity = s.quantity
		if s.expires.Add(-clockMax).UnixNano() > to { // it may be given more time, and never less
			to = s.expires.Add(-clockMax).UnixNano()
		}
	}
	if from == 0 {
		return nil
	}
	const never = 1 << 62
	switch {
	case h.paidTold != 0:
		to = never
	case h.cancelAsked != 0:
		to = min(to, h.cancelAsked)
	}
	if to <= from {
		return nil
	}
	return [][2]change{{{from, quantity}, {to, -quantity}}}
}

// highest is the most that was held at once; what ends when another begins was before it.
func highest(changes []change) (most int) {
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.quantity, b.quantity)) })
	held := 0
	for _, c := range changes {
		held += c.quantity
		most = max(most, held)
	}
	return most
}

// checkEnd: when all has settled, every order that was told is in the lists of all doors,
// which agree, and the tickets add up.
func (l *ledger) checkEnd(f *findings) {
	taken, ending, doors := map[string]int{}, map[string]int{}, map[string]bool{}
	for i := range l.events {
		if e := &l.events[i]; e.Kind == list {
			doors[e.Door] = true
		}
	}
	for _, uid := range sortedKeys(l.orders) {
		h := l.orders[uid]
		f.counts["end"]++
		state, quantity := l.lastOf(f, h, len(doors))
		if holds(state) {
			taken[h.sale] += quantity
		}
		if sale := l.sales[h.sale]; sale != nil && state != "paid" && holds(state) && h.mayEndBy(sale.Told) {
			ending[h.sale] += quantity
		}
	}
	for _, id := range sortedKeys(l.sales) {
		s := &l.sales[id].answer
		f.counts["books"]++
		if gone := s.Total - s.Available; gone > taken[id] || gone < taken[id]-ending[id] {
			f.add("count", "of %d tickets of %s orders have %d, and %d are available", s.Total, id, taken[id], s.Available)
		}
	}
}

// mayEndBy reports whether a hold that was listed may have ended when the sale was looked at.
func (h *history) mayEndBy(told int64) bool {
	for i := range h.said {
		if s := &h.said[i]; s.last && s.expires.Add(-clockMax).UnixNano() < told {
			return true
		}
	}
	return false
}

// lastOf returns what an order came to, as all doors say it.
func (l *ledger) lastOf(f *findings, h *history, doors int) (state string, quantity int) {
	seen := map[string]bool{}
	for i := range h.said {
		s := &h.said[i]
		if !s.last {
			continue
		}
		if len(seen) > 0 && (state != s.state || quantity != s.quantity) {
			f.add("answered", "order %s is %s with %d tickets, and %s with %d at %s", h.uid, state, quantity, s.state, s.quantity, s.door)
		}
		state, quantity = s.state, s.quantity
		seen[s.door] = true
		if late := time.Unix(0, s.told).Sub(s.expires); s.state == "reserved" && late > lateMax || s.state == "paying" && late > lateMax+churnGrace {
			f.add("time", "order %s of %s is %s at %s, %v after its time", h.uid, h.sale, s.state, s.door, late)
		}
	}
	if len(seen) != doors {
		f.add("answered", "order %s of %s is in the lists of %d doors of %d", h.uid, h.user, len(seen), doors)
	}
	return state, quantity
}
