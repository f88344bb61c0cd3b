package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// The small sales are checked for linearizability: each was small enough that porcupine
// can look at all orders in which its requests may have taken effect.
const (
	windowQuantity   = 8
	windowCap        = 2
	linearityTimeout = 30 * time.Second // of one sale
)

// shelf is a small sale as the model sees it.
type shelf struct {
	available int
	held      string // user=count, sorted: a value that can be compared
	bound     string // late copies that took effect, " key key", in that order
}

func (s shelf) of(user string) int { return s.counts()[user] }

func (s shelf) counts() map[string]int {
	counts := map[string]int{}
	for entry := range strings.FieldsSeq(s.held) {
		user, n, _ := strings.Cut(entry, "=")
		counts[user] = int(n[0] - '0')
	}
	return counts
}

// move gives a user some more tickets, or takes some back.
func (s shelf) move(user string, tickets int) shelf {
	counts := s.counts()
	counts[user] += tickets
	var entries []string
	for _, u := range slices.Sorted(maps.Keys(counts)) {
		if counts[u] != 0 {
			entries = append(entries, fmt.Sprintf("%s=%d", u, counts[u]))
		}
	}
	return shelf{s.available - tickets, strings.Join(entries, " "), s.bound}
}

// shelfModel says what a small sale may answer. A request without an answer may have
// had its effect, or not, or not yet.
var shelfModel = porcupine.NondeterministicModel{
	Init: func() []any { return []any{shelf{available: windowQuantity}} },
	Step: func(state, input, _ any) (next []any) {
		step := stepBuy
		if input.(*operation).kind == "cancel" {
			step = stepCancel
		}
		for _, s := range step(state.(shelf), input.(*operation)) {
			next = append(next, s)
		}
		return next
	},
}

func stepBuy(s shelf, o *operation) []shelf {
	fits := s.available > 0 && s.of(o.user) < windowCap
	switch {
	case !o.known && fits:
		bought := s.move(o.user, 1)
		bought.bound += " " + o.key
		return []shelf{s, bought}
	case !o.known:
		return []shelf{s}
	case o.order != "" && fits:
		return []shelf{s.move(o.user, 1)}
	case o.order != "":
		return nil
	case slices.Contains(strings.Fields(s.bound), o.key):
		return nil // a copy of it has an order
	case o.reason == "not_started": // how long that may be so is checked by true time
		return []shelf{s}
	case o.reason == "sold_out" && s.available == 0, o.reason == "cap_exceeded" && s.of(o.user) >= windowCap:
		return []shelf{s}
	}
	return nil
}

// stepCancel: an order is cancelled once; who cancels it again changes nothing. The
// model knows users, not orders, so that only first cancels are in a history.
func stepCancel(s shelf, o *operation) []shelf {
	held := s.of(o.user) > 0
	switch {
	case !o.known && held:
		return []shelf{s, s.move(o.user, -1)}
	case !o.known:
		return []shelf{s}
	case held:
		return []shelf{s.move(o.user, -1)}
	}
	return nil
}

// linearity is how many small sales are linearizable, and how many took too long to
// look at.
type linearity struct {
	Sales      int `json:"sales"`
	Operations int `json:"operations"`
	Unknown    int `json:"unknown_outcomes"`
	Undecided  int `json:"undecided"`
}

// checkLinear holds every small sale against the model (P2, P4, P9).
func (h *history) checkLinear(v *verdict) (found linearity) {
	for sale, operations := range h.windows() {
		found.Sales++
		found.Operations += len(operations)
		var events []porcupine.Operation
		for _, o := range operations {
			ends := o.finish
			if !o.known {
				found.Unknown++
				ends = int64(time.Hour) * 24 * 365
			}
			events = append(events, porcupine.Operation{ClientId: len(events), Input: o, Output: o, Call: o.call, Return: ends})
		}
		switch result := porcupine.CheckOperationsTimeout(shelfModel.ToModel(), events, linearityTimeout); result {
		case porcupine.Illegal:
			v.wrong("P4", "sale %s is not linearizable: %d requests", sale, len(events))
		case porcupine.Unknown:
			found.Undecided++
		}
	}
	return found
}

// windows returns the requests of each small sale: what the copies of each purchase came
// to, and the cancels.
func (h *history) windows() map[string][]*operation {
	all, copies := map[string][]*operation{}, map[string][]*operation{}
	for i := range h.operations {
		o := &h.operations[i]
		switch {
		case !strings.HasPrefix(o.sale, "window-"):
		case o.kind == "buy":
			copies[o.key] = append(copies[o.key], o)
		default:
			all[o.sale] = append(all[o.sale], o)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(copies)) {
		sale := copies[key][0].sale
		all[sale] = append(all[sale], effects(copies[key])...)
	}
	return all
}

// effects returns what the copies of one purchase may have done, each an operation of its
// own. A refusal binds nothing, so each refused copy was decided by itself. Of the others at
// most one made the order:
//
//   - a copy that was told an order that is not a repeat made it, and no other one did
//   - if only repeats were told, a copy without an answer made it: after the first of these
//     was sent, and before the first repeat was answered
//   - if nobody was told an order, a copy without an answer may still make one, at any time
//     to the end; the model knows that no copy is refused after that
func effects(copies []*operation) (all []*operation) {
	var made, repeat, pending *operation
	for _, o := range copies {
		switch {
		case !o.known:
			if pending == nil || o.call < pending.call {
				pending = o
			}
		case o.order == "":
			all = append(all, o)
		case !o.replayed:
			made = o
		case repeat == nil || o.finish < repeat.finish:
			repeat = o
		}
	}

	switch {
	case made != nil:
		all = append(all, made)
	case repeat != nil:
		first := *repeat
		if pending != nil {
			first.call = min(first.call, pending.call)
		}
		all = append(all, &first)
	case pending != nil:
		all = append(all, pending)
	}
	return all
}
