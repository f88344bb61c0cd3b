package forward

import (
	"sync"
	"sync/atomic"
)

// Hub tells who waits for an order of one cluster that it changed. The zero value is not
// usable; begin with NewHub. All methods are safe for concurrent use.
type Hub struct {
	count atomic.Int64
	mu    sync.Mutex
	next  uint64
	// watchers by order, then by a number of their own.
	watchers map[uint64]map[uint64]func()
}

// NewHub returns a hub that nobody watches.
func NewHub() *Hub { return &Hub{watchers: map[uint64]map[uint64]func(){}} }

// Watch lets changed be called after every change of an order from now on, until stop.
// It is called under the hub's lock, may be called without a change, and must neither
// block nor call the hub.
func (h *Hub) Watch(order uint64, changed func()) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	number := h.next
	if h.watchers[order] == nil {
		h.watchers[order] = map[uint64]func(){}
	}
	h.watchers[order][number] = changed
	h.count.Add(1)
	return func() { h.stop(order, number) }
}

func (h *Hub) stop(order, number uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, watches := h.watchers[order][number]; !watches {
		return
	}
	delete(h.watchers[order], number)
	if len(h.watchers[order]) == 0 {
		delete(h.watchers, order)
	}
	h.count.Add(-1)
}

// Changed tells who watches one of these orders.
func (h *Hub) Changed(orders []uint64) {
	if h.count.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, order := range orders {
		for _, changed := range h.watchers[order] {
			changed()
		}
	}
}

// All tells everybody: any order may have changed.
func (h *Hub) All() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, watchers := range h.watchers {
		for _, changed := range watchers {
			changed()
		}
	}
}

// Count returns how many watch.
func (h *Hub) Count() int { return int(h.count.Load()) }
