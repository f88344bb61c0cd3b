package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"onsale/bench"
)

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

// errUnknownSale is returned for the books of a sale that there is not.
var errUnknownSale = errors.New("unknown sale")
