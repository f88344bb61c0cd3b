package stream

import (
	"fmt"
	"sync"
	"sync/atomic"

	"onsale/api/contract"
)

// bound counts what is open, in all and of each user, and how much was refused.
type bound struct {
	what           string // in words: "event streams"
	most, eachMost int64  // eachMost is of a user; 0 for no bound
	open           atomic.Int64
	refused        [refusalCount]atomic.Uint64

	mu   sync.Mutex
	each map[string]int64 // by user, of those who have any
}

// refusal is which bound was met, as the metrics name it.
type refusal uint8

const (
	refusedAll refusal = iota
	refusedUser
	refusalCount
)

var refusalNames = [refusalCount]string{"all", "user"}

func newBound(what string, most, eachMost int) *bound {
	return &bound{what: what, most: int64(most), eachMost: int64(eachMost), each: map[string]int64{}}
}

// take takes a place for a user, "" for who has none. The error is overloaded when there
// are no places, and too-many-open when the user has as many as one may have.
func (b *bound) take(user string) error {
	if !b.takeOne(user) {
		b.refused[refusedUser].Add(1)
		return contract.NewProblem(contract.TooManyOpen,
			fmt.Sprintf("you have %d %s open already; end one of them", b.eachMost, b.what))
	}
	if b.open.Add(1) > b.most {
		b.give(user)
		b.refused[refusedAll].Add(1)
		return contract.NewProblem(contract.Overloaded, fmt.Sprintf("%d %s are open, as many as may be", b.most, b.what))
	}
	return nil
}

func (b *bound) takeOne(user string) bool {
	if user == "" || b.eachMost == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.each[user] >= b.eachMost {
		return false
	}
	b.each[user]++
	return true
}

// give gives a place back.
func (b *bound) give(user string) {
	b.open.Add(-1)
	if user == "" || b.eachMost == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.each[user]--; b.each[user] <= 0 {
		delete(b.each, user)
	}
}
