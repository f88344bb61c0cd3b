package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/bench"
)

// TestMain lets this test program be the front of a peer, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "front" {
		main()
		return
	}
	os.Exit(m.Run())
}

var testSecret = bytes.Repeat([]byte("s"), 32)

// openPeer opens a peer with one sale. A program that is missing fails the test: a
// comparison that nobody runs is worth nothing.
func openPeer(t *testing.T, k peerKind) bench.Stand {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent, err := makeDir("")
	if err != nil {
		t.Fatal(err)
	}
	shop := k.shop(program)
	stand, err := shop.Open(t.Context(), &bench.ShopOptions{DataParent: parent, Secret: testSecret, Sales: []bench.ShopSale{{ID: "gig", Tickets: proofTickets}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stand.Close(), os.RemoveAll(parent)); err != nil {
			t.Error(err)
		}
	})
	return stand
}

// Every peer sells exactly under concurrent buys: no ticket twice, nobody over the
// cap, and a repeated key is the first order again.
func TestPeersSellExactly(t *testing.T) {
	for _, k := range peers {
		if k.name == nameBare {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			if err := prove(t.Context(), openPeer(t, k), "gig"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The constant answers of the bare handler are no sale, and the proof says so.
func TestProofRefusesConstants(t *testing.T) {
	err := prove(t.Context(), openPeer(t, peers[kindOf(nameBare)]), "gig")
	if err == nil || !strings.Contains(err.Error(), "holds 4; the cap is 2") {
		t.Fatalf("constants passed for a sale: %v", err)
	}
}

// plantedStore is a mutex store with a mistake.
type plantedStore struct {
	*mutexStore
	before func(*mutexSale, *order) // makes the mistake
}

func (p *plantedStore) buy(ctx context.Context, o *order) (decision, error) {
	p.mu.Lock()
	p.before(p.sales[o.sale], o)
	p.mu.Unlock()
	return p.mutexStore.buy(ctx, o)
}

// frontStand serves a store from this process.
type frontStand struct {
	address string
	store   store
}

func (f *frontStand) Address(context.Context) (string, error) { return f.address, nil }
func (f *frontStand) Processes() []int                        { return nil }
func (f *frontStand) Close() error                            { return nil }
func (f *frontStand) Books(ctx context.Context, sale string) (bench.Books, error) {
	return f.store.books(ctx, sale)
}

func serveHere(t *testing.T, s store) bench.Stand {
	t.Helper()
	front, err := newFront(testSecret, s)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, ended := front.server(), make(chan struct{})
	go func() { _ = server.Serve(listener); close(ended) }()
	t.Cleanup(func() { _ = server.Shutdown(); <-ended })
	return &frontStand{listener.Addr().String(), s}
}

// A store that oversells, forgets the cap or forgets keys is caught.
func TestProofCatchesPlantedMistakes(t *testing.T) {
	for name, mistake := range map[string]func(*mutexSale, *order){
		"none":     func(*mutexSale, *order) {},
		"oversell": func(s *mutexSale, _ *order) { s.available = max(s.available, 1) },
		"cap":      func(s *mutexSale, o *order) { s.held[o.user] = 0 },
		"keys":     func(s *mutexSale, o *order) { delete(s.byKey, [2]string{o.user, o.key}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := &plantedStore{newMutexStore(), mistake}
			if err := s.create(t.Context(), "gig", proofTickets); err != nil {
				t.Fatal(err)
			}
			err := prove(t.Context(), serveHere(t, s), "gig")
			if (err == nil) != (name == "none") {
				t.Fatalf("proof says: %v", err)
			}
		})
	}
}

// What is due comes back to the count, once, and can be sold again.
func TestPeersExpire(t *testing.T) {
	for _, kind := range []string{"Redis, batched", "Redis, fsync always", "PostgreSQL, batched", "PostgreSQL, row lock", "PostgreSQL, sharded count"} {
		t.Run(kind, func(t *testing.T) {
			k := peers[kindOf(kind)]
			s, err := k.open(t.Context(), serverOf(t, k))
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			expires(t, s)
		})
	}
}

// serverOf starts what a store needs, and returns where it is.
func serverOf(t testing.TB, k peerKind) string {
	if k.server == nil {
		return ""
	}
	parent, err := makeDir("")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p, address, err := k.server(t.Context(), dir)
	t.Cleanup(func() {
		if p != nil {
			_, _ = p.Stop(stopMax)
		}
		_ = os.RemoveAll(parent)
	})
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func expires(t *testing.T, s store) {
	const tickets = 3
	if err := s.create(t.Context(), "gig", tickets); err != nil {
		t.Fatal(err)
	}
	deadline := bareOrder.deadline
	buy := func(n int) outcome {
		d, err := s.buy(t.Context(), &order{sale: "gig", user: fmt.Sprint("buyer ", n), key: "k", quantity: 1, deadline: deadline})
		if err != nil {
			t.Fatal(err)
		}
		return d.outcome
	}
	for n := range tickets {
		if got := buy(n); got != reserved {
			t.Fatalf("buy %d: outcome %d", n, got)
		}
	}
	check := func(held, available uint64) {
		t.Helper()
		books, err := s.books(t.Context(), "gig")
		if err != nil || books.Held != held || books.Available != available {
			t.Fatalf("books %+v, %v; wanted %d held, %d available", books, err, held, available)
		}
	}
	if err := s.expire(t.Context(), deadline.Add(-1e9)); err != nil {
		t.Fatal(err)
	}
	check(tickets, 0)
	if got := buy(tickets); got != soldOut {
		t.Fatalf("one more: outcome %d", got)
	}
	for range 2 {
		if err := s.expire(t.Context(), deadline.Add(1e9)); err != nil {
			t.Fatal(err)
		}
		check(0, tickets)
	}
	if got := buy(tickets); got != reserved {
		t.Fatalf("after the end of the holds: outcome %d", got)
	}
}
