package payment

import (
	"slices"
	"time"
)

// place is one call that waits for its turn.
type place struct {
	key   uint64    // the order within its class
	since time.Time // when it joined
	order uint64    // seq; 0 for none
	gone  bool      // whoever waited gave up
	// call commits that the provider is called for the attempt, before its turn; nil when that needs
	// no commit, or is done. calling: it is being committed.
	call    func() error
	calling bool
	run     func() // called on a goroutine of its own when it is its turn
	leave   func() // called instead when the line is left
}

// queue is one class' part of the line, by key.
type queue struct {
	places []*place
	orders map[uint64]*place
}

func (q *queue) search(key uint64) int {
	at, _ := slices.BinarySearchFunc(q.places, key, func(p *place, key uint64) int {
		if p.key < key {
			return -1
		}
		return 1
	})
	return at
}

// remove takes a call out that has a place; false when it has none.
func (q *queue) remove(p *place) bool {
	at := q.search(p.key)
	if at == len(q.places) || q.places[at] != p {
		return false
	}
	q.places = slices.Delete(q.places, at, at+1)
	if q.orders[p.order] == p {
		delete(q.orders, p.order)
	}
	return true
}

// insert is almost always an append.
func (q *queue) insert(p *place) {
	q.places = slices.Insert(q.places, q.search(p.key), p)
	if p.order != 0 {
		q.orders[p.order] = p
	}
}

func (q *queue) pop() *place {
	p := q.places[0]
	q.places[0] = nil
	q.places = q.places[1:]
	if q.orders[p.order] == p {
		delete(q.orders, p.order)
	}
	return p
}
