package main

import (
	"context"
	"sync"
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

// mutexStore keeps everything in maps under one lock, and nothing on disk.
type mutexStore struct {
	mu    sync.Mutex
	sales map[string]*mutexSale
}

type mutexSale struct {
	available int
	seq       int64
	held      map[string]int
	byKey     map[[2]string]int64 // user and key to seq
	due       []mutexOrder        // in order of deadline: every hold is as long as the next
}

type mutexOrder struct {
	user     string
	quantity int
	deadline time.Time
}

func newMutexStore() *mutexStore { return &mutexStore{sales: map[string]*mutexSale{}} }

func (m *mutexStore) create(_ context.Context, sale string, tickets uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sales[sale] = &mutexSale{available: int(tickets), held: map[string]int{}, byKey: map[[2]string]int64{}}
	return nil
}

func (m *mutexStore) buy(_ context.Context, o *order) (decision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sales[o.sale]
	if s == nil {
		return decision{outcome: unknownSale}, nil
	}
	if seq, known := s.byKey[[2]string{o.user, o.key}]; known {
		return decision{reserved, seq}, nil
	}
	if s.held[o.user]+o.quantity > bench.ShopCap {
		return decision{outcome: capExceeded}, nil
	}
	if s.available < o.quantity {
		return decision{outcome: soldOut}, nil
	}
	s.available -= o.quantity
	s.seq++
	s.held[o.user] += o.quantity
	s.byKey[[2]string{o.user, o.key}] = s.seq
	s.due = append(s.due, mutexOrder{o.user, o.quantity, o.deadline})
	return decision{reserved, s.seq}, nil
}

func (m *mutexStore) expire(_ context.Context, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sales {
		for len(s.due) > 0 && !s.due[0].deadline.After(now) {
			s.available += s.due[0].quantity
			s.held[s.due[0].user] -= s.due[0].quantity
			s.due = s.due[1:]
		}
	}
	return nil
}

func (m *mutexStore) books(_ context.Context, sale string) (bench.Books, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sales[sale]
	if s == nil {
		return bench.Books{}, errUnknownSale
	}
	b := bench.Books{Available: uint64(s.available)}
	for _, held := range s.held {
		b.Held += uint64(held)
		b.MostHeld = max(b.MostHeld, uint64(held))
	}
	return b, nil
}

func (m *mutexStore) close() {}
