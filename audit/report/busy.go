package report

import (
	"cmp"
	"slices"

	"onsale/api/contract"
)

// BusySecondsMax bounds the busiest seconds that are kept of a sale.
const BusySecondsMax = 60

// busy finds the seconds in which most was asked for, wherever in the course of the sale the crowd
// comes: rows of a minute would hide them. It keeps the busiest ones and the one that is not over.
type busy struct {
	top       []contract.BusySecond // in no order
	now       contract.BusySecond   // the second that is not over
	noted     uint64                // requests up to the last batch
	wasMarked bool
}

// mark notes how many requests there were in all, at a second after the opening, or before it when
// that is negative. Seconds never go back.
func (b *busy) mark(at int64, requests uint64) {
	if b.wasMarked && at != b.now.From {
		b.keep()
	}
	if !b.wasMarked || at != b.now.From {
		b.now, b.wasMarked = contract.BusySecond{From: at}, true
	}
	b.now.Requests += requests - b.noted
	b.noted = requests
}

// keep takes the second that is over among the busiest, if it is one.
func (b *busy) keep() {
	if b.now.Requests == 0 {
		return
	}
	b.top = append(b.top, b.now)
	if len(b.top) > 2*BusySecondsMax {
		b.top = busiest(b.top)
	}
}

// seconds returns the busiest ones so far, the busiest first.
func (b *busy) seconds() []contract.BusySecond {
	all := append([]contract.BusySecond{}, b.top...)
	if b.now.Requests > 0 {
		all = append(all, b.now)
	}
	return busiest(all)
}

// busiest sorts seconds, and keeps at most BusySecondsMax.
func busiest(all []contract.BusySecond) []contract.BusySecond {
	slices.SortFunc(all, func(a, b contract.BusySecond) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.From, b.From))
	})
	return all[:min(len(all), BusySecondsMax)]
}
