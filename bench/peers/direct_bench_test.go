package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsale/bench"
	"onsale/internal/tuning"
	"onsale/proof/testenv"
	"onsale/raftfsm"
	"onsale/sequencer"
)

// directCallers is how many callers BenchmarkDirect has; each buys one ticket at a time.
const directCallers = 4096

// direct is what BenchmarkDirect measures.
type direct struct {
	name string
	open func(b *testing.B, tickets uint32) (buy func(*order) (outcome, error))
}

// BenchmarkDirect is T5 engine to engine: no HTTP and no tokens, but a key in each buy and an
// fsync before each answer, on everybody's cores together. onsale is a node in this process,
// as the fronts of the others are; one operation is one decision of a distinct buyer.
func BenchmarkDirect(b *testing.B) {
	all := []direct{{"onsale", openNode}}
	for _, k := range peers {
		if k.name != nameBare && k.isDurable {
			all = append(all, direct{k.name, k.openDirect})
		}
	}
	for _, d := range all {
		for phase, want := range map[string]outcome{"selling": reserved, "sold_out": soldOut} {
			b.Run("name="+d.name+"/phase="+phase, func(b *testing.B) {
				tickets := uint32(sequencer.TicketsMax)
				if want == soldOut {
					tickets = 1
				}
				benchDirect(b, d.open(b, tickets), want)
			})
		}
	}
}

func benchDirect(b *testing.B, buy func(*order) (outcome, error), want outcome) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	tuning.Apply() // what a server has
	deadline := time.Now().Add(bench.ShopHold)
	call := func(n uint64) outcome {
		got, err := buy(&order{sale: "gig", user: "buyer-" + strconv.FormatUint(n, 10), key: "k-" + strconv.FormatUint(n, 10), quantity: 1, deadline: deadline})
		if err != nil {
			b.Error(err)
		}
		return got
	}
	if got := call(0); got != reserved {
		b.Fatalf("the first buyer has outcome %d", got)
	}
	var next, wrong atomic.Uint64
	var group sync.WaitGroup
	b.ResetTimer()
	for range directCallers {
		group.Go(func() {
			for n := next.Add(1); n <= uint64(b.N); n = next.Add(1) {
				if call(n) != want {
					wrong.Add(1)
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	if wrong.Load() > 0 {
		b.Errorf("%d of %d are not decided as %d", wrong.Load(), b.N, want)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

func (k peerKind) openDirect(b *testing.B, tickets uint32) func(*order) (outcome, error) {
	s, err := k.open(b.Context(), serverOf(b, k))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.close)
	if err := s.create(b.Context(), "gig", tickets); err != nil {
		b.Fatal(err)
	}
	return func(o *order) (outcome, error) {
		d, err := s.buy(context.Background(), o)
		return d.outcome, err
	}
}

// openNode opens a node of ours, a cluster of one.
func openNode(b *testing.B, tickets uint32) func(*order) (outcome, error) {
	c := raftfsm.DefaultConfig()
	c.DataDir, c.NodeID, c.RaftAddress, c.Bootstrap = b.TempDir(), "n1", "127.0.0.1:0", []raftfsm.Member{{ID: "n1"}}
	n, err := raftfsm.Open(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := n.Close(); err != nil {
			b.Error(err)
		}
	})
	testenv.Eventually(b, time.Minute, "the node leads", n.Leads)
	spec := sequencer.SaleSpec{ID: "gig", Item: "gig", Quantity: tickets, Cap: bench.ShopCap, Currency: "EUR", Hold: int64(bench.ShopHold), Grace: int64(time.Minute)}
	made, err := n.Decide(&sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
	if err != nil || made.Code != sequencer.CodeOK {
		b.Fatalf("the sale: %+v, %v", made, err)
	}
	return func(o *order) (outcome, error) {
		user := []byte(o.user)
		r, err := n.Decide(&sequencer.Command{Kind: sequencer.KindBuy, Sale: made.Sale, Quantity: uint8(o.quantity), User: user,
			Key: sequencer.DigestKey(user, []byte(o.key))})
		switch {
		case err != nil:
			return 0, err
		case r.State == sequencer.StateReserved:
			return reserved, nil
		case r.Code == sequencer.CodeSoldOut:
			return soldOut, nil
		}
		return 0, fmt.Errorf("decided %+v", r)
	}
}
