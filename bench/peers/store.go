package main

import (
	"context"
	"time"

	"onsale/bench"
)

// order is a buy that is to be decided. Its texts may be kept.
type order struct {
	sale, user, key string
	quantity        int
	deadline        time.Time // end of the hold
}

// outcome is what a store decided.
type outcome int

const (
	reserved outcome = iota
	soldOut
	capExceeded
	unknownSale
)

// decision is a store's answer. seq is the order's place; refusals have none, because
// no peer writes them down.
type decision struct {
	outcome outcome
	seq     int64
}

// store decides buys: what the peers differ in. Its methods may be called by many
// goroutines at once.
type store interface {
	// create makes a sale, before any buy.
	create(ctx context.Context, sale string, tickets uint32) error
	buy(ctx context.Context, o *order) (decision, error)
	// expire gives back what is due; it is called every second.
	expire(ctx context.Context, now time.Time) error
	books(ctx context.Context, sale string) (bench.Books, error)
	close()
}
