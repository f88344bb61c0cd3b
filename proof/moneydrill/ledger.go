package main

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"onsale/api/contract"
)

// goods is what a ticket of a sale costs.
type goods struct {
	price    int64 // minor units
	currency string
}

// order is what the drill knows of one from outside: what its buyer and the seller were
// told, and how its buyer lists it at the end.
type order struct {
	UID      string
	User     string
	Sale     string
	Price    int64 // of a ticket, minor units
	Currency string
	Bought   int // tickets, as the answer or the order said first
	Method   string

	GivenBack int  // tickets that were given back before they were paid
	Accepted  bool // the buyer was told: paid
	Refunded  bool // the seller was told: all of it is refunded
	Parts     int  // tickets of which the seller was told that they are refunded
	// Unsure is set when an answer to something that changes the order was lost.
	Unsure bool
	// SaleCancelled is set before the seller asks to cancel the order's sale.
	SaleCancelled bool

	Final *contract.Order // nil until it is listed
}

// ledger is the drill's own: of all orders, by uid.
type ledger struct {
	mu     sync.Mutex
	of     map[string]*order
	sales  map[string]goods
	counts map[string]int // of what happened, for the report
}

func newLedger() *ledger {
	return &ledger{of: map[string]*order{}, sales: map[string]goods{}, counts: map[string]int{}}
}

// count notes that something happened.
func (l *ledger) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

func (l *ledger) opened(sale string, g goods) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sales[sale] = g
}

// bought enters an order.
func (l *ledger) bought(uid, user, sale string, tickets int) *order {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of[uid]
	if a == nil {
		g := l.sales[sale]
		a = &order{UID: uid, User: user, Sale: sale, Price: g.price, Currency: g.currency, Bought: tickets}
		l.of[uid] = a
	}
	return a
}

// note changes an order.
func (l *ledger) note(a *order, change func(*order)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(a)
}

// cancelling notes that a sale is about to be cancelled.
func (l *ledger) cancelling(sale string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.of {
		if a.Sale == sale {
			a.SaleCancelled = true
		}
	}
}

// listed notes how an order is at the end. One whose buyer never heard of it is entered.
func (l *ledger) listed(o *contract.Order, saleCancelled bool) {
	tickets := int(o.Quantity)
	for _, p := range o.Parts {
		tickets += int(p.Quantity)
	}
	a := l.bought(o.UID, o.UserID, o.Sale, tickets)
	l.note(a, func(a *order) {
		a.Final = o
		a.SaleCancelled = a.SaleCancelled || saleCancelled
	})
}

// orders are all of them, by uid.
func (l *ledger) orders() []*order {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.of), func(a, b *order) int { return cmp.Compare(a.UID, b.UID) })
}
