package paymenttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"onsale/payment"
)

var errProviderDead = errors.New("the provider's process is dead")

// mortal is a provider whose process can die: then no call is answered until it is back, nor
// those that were under way, whatever they did.
type mortal struct {
	mu    sync.Mutex
	is    payment.Provider
	dead  bool
	lives int
}

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead, m.lives = true, m.lives+1
}

// revive lets the process start again, from what it was.
func (m *mortal) revive(reopen func(was payment.Provider) payment.Provider) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.is, m.dead = reopen(m.is), false
}

func (m *mortal) now() (is payment.Provider, life int, dead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.is, m.lives, m.dead
}

// alive asks the process, and loses the answer of one that died meanwhile.
func alive[T any](m *mortal, ask func(payment.Provider) (T, error)) (answer T, err error) {
	var none T
	is, life, dead := m.now()
	if dead {
		return none, errProviderDead
	}
	answer, err = ask(is)
	if _, after, _ := m.now(); after != life {
		return none, errProviderDead
	}
	return answer, err
}

// Name implements payment.Provider.
func (m *mortal) Name() string {
	is, _, _ := m.now()
	return is.Name()
}

// Account implements payment.Provider.
func (m *mortal) Account(ctx context.Context) (string, error) {
	return alive(m, func(p payment.Provider) (string, error) { return p.Account(ctx) })
}

// Authorise implements payment.Provider.
func (m *mortal) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	return alive(m, func(p payment.Provider) (payment.Status, error) { return p.Authorise(ctx, c, method) })
}

// Find implements payment.Provider.
func (m *mortal) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return alive(m, func(p payment.Provider) (payment.Status, error) { return p.Find(ctx, c) })
}

// Capture implements payment.Provider.
func (m *mortal) Capture(ctx context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	return alive(m, func(p payment.Provider) (payment.Status, error) { return p.Capture(ctx, c, amount) })
}

// Cancel implements payment.Provider.
func (m *mortal) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	return alive(m, func(p payment.Provider) (payment.Status, error) { return p.Cancel(ctx, c) })
}

// Return implements payment.Provider.
func (m *mortal) Return(ctx context.Context, c payment.Charge, refund uint8) (payment.Status, error) {
	return alive(m, func(p payment.Provider) (payment.Status, error) { return p.Return(ctx, c, refund) })
}

// ReturnPart implements payment.Provider.
func (m *mortal) ReturnPart(ctx context.Context, c payment.Charge, part payment.Part) (payment.Status, error) {
	return alive(m, func(p payment.Provider) (payment.Status, error) { return p.ReturnPart(ctx, c, part) })
}

// Lookup implements payment.Provider.
func (m *mortal) Lookup(ctx context.Context, key string) (*payment.Entry, error) {
	return alive(m, func(p payment.Provider) (*payment.Entry, error) { return p.Lookup(ctx, key) })
}

// booksPage is a page of a ledger.
type booksPage struct {
	entries []payment.Entry
	next    string
}

// Ledger implements payment.Provider.
func (m *mortal) Ledger(ctx context.Context, cursor string, limit int) (entries []payment.Entry, next string, err error) {
	page, err := alive(m, func(p payment.Provider) (page booksPage, err error) {
		page.entries, page.next, err = p.Ledger(ctx, cursor, limit)
		return page, err
	})
	return page.entries, page.next, err
}

// Notice implements payment.Provider.
func (m *mortal) Notice(ctx context.Context, signature string, body []byte, now time.Time) (payment.Notice, error) {
	return alive(m, func(p payment.Provider) (payment.Notice, error) { return p.Notice(ctx, signature, body, now) })
}
