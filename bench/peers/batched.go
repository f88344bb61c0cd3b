package main

import (
	"context"
	"sync"
	"time"

	"onsale/bench"
)

const (
	// batchOrdersMax is how many orders are decided in one call. All of them fit the stack of Lua's
	// unpack, which holds 8,000 values, six an order.
	batchOrdersMax = 1000
	// ordersWaitingMax bounds the orders that wait; whoever comes then waits for a place.
	ordersWaitingMax = 1 << 16
)

// batchStore decides many orders of one sale in one call, in their order.
type batchStore interface {
	// buyMany returns a decision for each of orders, which it must not keep.
	buyMany(ctx context.Context, orders []*order) ([]decision, error)
	create(ctx context.Context, sale string, tickets uint32) error
	expire(ctx context.Context, now time.Time) error
	books(ctx context.Context, sale string) (bench.Books, error)
	close()
}

// batched is what an expert puts in front of a store, and what we do ourselves: whatever
// waits is decided by the next call, first in, first out, while the one before it is under
// way. One goroutine calls, so the order in which orders came is that in which they are decided.
type batched struct {
	batchStore
	waiting chan *waiter
	ended   chan struct{}
}

// waiter is an order whose buyer waits for its decision.
type waiter struct {
	order    *order
	decision decision
	err      error
	done     chan struct{} // has room for the one answer
}

var waiters = sync.Pool{New: func() any { return &waiter{done: make(chan struct{}, 1)} }}

func newBatched(s batchStore) *batched {
	b := &batched{batchStore: s, waiting: make(chan *waiter, ordersWaitingMax), ended: make(chan struct{})}
	go b.run()
	return b
}

func (b *batched) buy(_ context.Context, o *order) (decision, error) {
	w := waiters.Get().(*waiter)
	w.order = o
	b.waiting <- w
	<-w.done
	d, err := w.decision, w.err
	w.order, w.err = nil, nil
	waiters.Put(w)
	return d, err
}

// close ends the caller; nobody may wait any more.
func (b *batched) close() {
	close(b.waiting)
	<-b.ended
	b.batchStore.close()
}

func (b *batched) run() {
	defer close(b.ended)
	batch, orders := make([]*waiter, 0, batchOrdersMax), make([]*order, 0, batchOrdersMax)
	for next := <-b.waiting; next != nil; {
		batch, next = b.gather(append(batch[:0], next))
		orders = orders[:0]
		for _, w := range batch {
			orders = append(orders, w.order)
		}
		decisions, err := b.buyMany(context.Background(), orders)
		for i, w := range batch {
			if w.err = err; err == nil {
				w.decision = decisions[i]
			}
			w.done <- struct{}{}
		}
		if next == nil {
			next = <-b.waiting
		}
	}
}

// gather appends what waits already for the sale of the batch's first order. It returns the first
// order of another sale too, when it met one.
func (b *batched) gather(batch []*waiter) (_ []*waiter, next *waiter) {
	for len(batch) < batchOrdersMax {
		select {
		case w := <-b.waiting:
			if w == nil || w.order.sale != batch[0].order.sale {
				return batch, w
			}
			batch = append(batch, w)
		default:
			return batch, nil
		}
	}
	return batch, nil
}
