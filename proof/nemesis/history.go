package main

import (
	"sync"
	"time"
)

// operation is what one client asked once, and what it was told: each copy of a purchase
// that may have been taken is an operation of its own, a cancel is one with all its
// repetitions. Call and finish are nanoseconds since the run began, by one clock: call is
// before the (first) request left, finish after the answer came.
type operation struct {
	client       int
	kind         string // buy or cancel
	user, key    string
	sale         string
	call, finish int64

	// known says that there was an answer; without one, finish means nothing.
	known    bool
	order    string // uid
	state    string // of the order
	reason   string // of a refusal
	seq      uint64
	replayed bool
}

// word is what a buyer was told of an order: when, and the whole answer, for who has to find
// out why it was wrong.
type word struct {
	user   string
	at     time.Duration // since the run began
	answer any
}

// traveller is a buyer who may have been sent to authenticate.
type traveller struct{ user, method string }

// history is what all clients wrote down. It is safe for concurrent use.
type history struct {
	began time.Time

	mu         sync.Mutex
	operations []operation
	// paid and cancelled are orders of which a buyer was told so; halved and refunded those of
	// which one of two tickets was given back, unpaid or paid; returned those that were refunded whole.
	paid, cancelled, halved, refunded, returned map[string]word // by uid

	away         map[string]traveller // by order: who may have been sent to authenticate and is not back
	travelled    int                  // how often somebody was
	undocumented []string             // answers that no document has
	starts       map[string]int64     // true times at which sales start; of others nothing is said
	answered     int
	failures     map[string]int // what requests were told instead of an answer
}

func newHistory() *history {
	return &history{began: time.Now(), paid: map[string]word{}, cancelled: map[string]word{}, halved: map[string]word{}, refunded: map[string]word{}, returned: map[string]word{},
		away: map[string]traveller{}, failures: map[string]int{}, starts: map[string]int64{}}
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

func (h *history) add(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
	if o.known {
		h.answered++
	}
}

// note keeps a word about an order.
func (h *history) note(orders map[string]word, uid, user string, answer any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	orders[uid] = word{user, time.Since(h.began), answer}
}

// sentAway notes that a buyer may be sent to authenticate.
func (h *history) sentAway(uid, user, method string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.away[uid] = traveller{user, method}
	h.travelled++
}

func (h *history) isBack(uid string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.away, uid)
}

// starting notes when a sale starts.
func (h *history) starting(sale string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.starts[sale] = at.UnixNano()
}

func (h *history) fail(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures[what]++
}

// undocumentedMax bounds the odd answers that are kept.
const undocumentedMax = 20

func (h *history) odd(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.undocumented) < undocumentedMax {
		h.undocumented = append(h.undocumented, what)
	}
}
