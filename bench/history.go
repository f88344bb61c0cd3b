package bench

import (
	"slices"
	"time"
)

// told is what one buyer was told, and when; times run from the start of the load.
type told struct {
	sent, answered time.Duration
	seq            uint64 // 0 when the answer has none
	outcome        string
}

// history is what all buyers were told. Its order means nothing.
type history []told

// OrderReport says whether the answers kept the order of the requests, as far as it
// can be seen from outside: when one buyer had the answer before another one asked.
type OrderReport struct {
	Answers    int `json:"answers"`
	Sequenced  int `json:"sequenced"`  // answers that say their place in the order
	Swapped    int `json:"swapped"`    // answers with a lower place than one that was known before they were asked for
	Duplicates int `json:"duplicates"` // places that more than one answer has
	Unfair     int `json:"unfair"`     // tickets sold to who asked after another one was told that none is left
}

// Kept reports whether nothing was out of order.
func (r *OrderReport) Kept() bool { return r.Swapped+r.Duplicates+r.Unfair == 0 }

// order checks a history of a sale to which no ticket came back meanwhile.
func (h history) order() OrderReport {
	r := OrderReport{Answers: len(h)}
	byAnswer := slices.Clone(h)
	slices.SortFunc(byAnswer, func(a, b told) int { return int(a.answered - b.answered) })
	bySent := slices.Clone(h)
	slices.SortFunc(bySent, func(a, b told) int { return int(a.sent - b.sent) })
	var known uint64 // the highest place that was told before
	var refused bool
	next := 0
	for i := range bySent {
		asked := &bySent[i]
		for ; byAnswer[next].answered < asked.sent; next++ {
			known = max(known, byAnswer[next].seq)
			refused = refused || byAnswer[next].outcome == soldOutReason
		}
		if asked.seq > 0 {
			r.Sequenced++
			if asked.seq < known {
				r.Swapped++
			}
		}
		if refused && asked.outcome == "reserved" {
			r.Unfair++
		}
	}
	r.Duplicates = duplicates(h)
	return r
}

func duplicates(h history) int {
	var places []uint64
	for i := range h {
		if h[i].seq > 0 {
			places = append(places, h[i].seq)
		}
	}
	slices.Sort(places)
	return len(places) - len(slices.Compact(places))
}
