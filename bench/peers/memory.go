package main

import (
	"context"
	"sync/atomic"
	"time"

	"onsale/bench"
)

// bareStore decides nothing: it counts answers, to say "sold out" when others would.
type bareStore struct {
	sales map[string]*bareSale // not written after create
}

type bareSale struct {
	tickets  int64
	answered atomic.Int64
}

func newBareStore() *bareStore { return &bareStore{sales: map[string]*bareSale{}} }

func (b *bareStore) create(_ context.Context, sale string, tickets uint32) error {
	b.sales[sale] = &bareSale{tickets: int64(tickets)}
	return nil
}

func (b *bareStore) books(context.Context, string) (bench.Books, error) { return bench.Books{}, nil }
func (b *bareStore) expire(context.Context, time.Time) error            { return nil }
func (b *bareStore) close()                                             {}

func (b *bareStore) buy(_ context.Context, o *order) (decision, error) {
	s := b.sales[o.sale]
	if s == nil {
		return decision{outcome: unknownSale}, nil
	}
	if s.answered.Add(int64(o.quantity)) > s.tickets {
		return decision{outcome: soldOut}, nil
	}
	return decision{reserved, 1}, nil
}
