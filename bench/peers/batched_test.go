package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 0, "of the random batches; 0 is another one each time")

// A batch is decided as its orders would be one by one: also when a buyer or a key comes
// twice in it, when the tickets end in its middle, and when it is as large as it may be.
func TestBatchesDecideAsOneByOne(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	for _, kind := range []string{"Redis, batched", "PostgreSQL, batched"} {
		t.Run(kind, func(t *testing.T) {
			k := peers[kindOf(kind)]
			s, err := k.open(t.Context(), serverOf(t, k))
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			decidesAsOneByOne(t, s.(*batched).batchStore, seed)
		})
	}
}

func decidesAsOneByOne(t *testing.T, s batchStore, seed uint64) {
	random, one := rand.New(rand.NewPCG(seed, 0)), newMutexStore()
	const tickets = 400
	for _, sale := range []string{"gig", "other"} {
		for _, create := range []func() error{
			func() error { return s.create(t.Context(), sale, tickets) },
			func() error { return one.create(t.Context(), sale, tickets) },
		} {
			if err := create(); err != nil {
				t.Fatal(err)
			}
		}
	}
	met := map[outcome]int{}
	for batch := range 60 {
		sale := [...]string{"gig", "gig", "other", "none"}[random.IntN(4)]
		size := 1 + random.IntN(20)
		if batch%20 == 19 {
			size = batchOrdersMax
		}
		orders := make([]*order, size)
		for i := range orders {
			orders[i] = &order{sale: sale, user: fmt.Sprint("user-", random.IntN(300)), key: fmt.Sprint("k", random.IntN(3)),
				quantity: 1 + random.IntN(2), deadline: time.Now().Add(time.Hour)}
		}
		got, err := s.buyMany(t.Context(), orders)
		if err != nil || len(got) != size {
			t.Fatalf("seed %d, batch %d: %d decisions of %d, %v", seed, batch, len(got), size, err)
		}
		for i, o := range orders {
			want, _ := one.buy(t.Context(), o)
			if got[i] != want {
				t.Fatalf("seed %d, batch %d, order %d of %d, %+v: %+v, one by one %+v", seed, batch, i, size, *o, got[i], want)
			}
			met[want.outcome]++
		}
	}
	for o := range unknownSale + 1 {
		if met[o] == 0 {
			t.Errorf("seed %d: no outcome %d among %v", seed, o, met)
		}
	}
}

// Who buys while another sale's batch is gathered has the next one, and the order in which
// buys came is that of their places.
func TestBatchesGather(t *testing.T) {
	b := &batched{waiting: make(chan *waiter, 8)}
	for _, sale := range []string{"a", "a", "b", "b", "a"} {
		b.waiting <- &waiter{order: &order{sale: sale}}
	}
	close(b.waiting)
	var got []string
	for next := <-b.waiting; next != nil; {
		var batch []*waiter
		batch, next = b.gather([]*waiter{next})
		got = append(got, fmt.Sprint(len(batch), batch[0].order.sale))
	}
	if want := "[2a 2b 1a]"; fmt.Sprint(got) != want {
		t.Errorf("batches %v, want %s", got, want)
	}
}
