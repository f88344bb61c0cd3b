package sequencer_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"onsale/audit/naive"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// pair decides batches on State and on the naive model.
type pair struct {
	t     *testing.T
	state *sequencer.State
	model *naive.Model
	d     sequencer.Decisions
	time  int64
}

func newPair(t *testing.T) *pair {
	return &pair{t: t, state: sequencer.New(), model: naive.New(), time: scenario.DayStart + int64(time.Hour)}
}

func (p *pair) apply(commands ...sequencer.Command) *sequencer.Decisions {
	p.t.Helper()
	b := sequencer.Batch{Time: p.time, Commands: commands}
	p.state.Apply(&b, &p.d)
	if err := scenario.Compare(&p.d, p.model.Apply(&b)); err != nil {
		p.t.Fatal(err)
	}
	return &p.d
}

func (p *pair) create(change func(s *sequencer.SaleSpec)) {
	p.t.Helper()
	spec := defaultSpec(fmt.Sprintf("sale-%d", p.state.SaleCount()+1))
	change(&spec)
	p.apply(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
}

// The number of sales is bounded, and the last one sells like the first.
func TestSaleLimit(t *testing.T) {
	testenv.TakesLong(t, "as many sales as there may be, in both models")
	p := newPair(t)
	spec := defaultSpec("")
	for p.state.SaleCount() < sequencer.SalesMax {
		var commands []sequencer.Command
		for n := range min(sequencer.SalesMax-p.state.SaleCount(), 1<<14) {
			spec.ID = fmt.Sprintf("sale-%d", p.state.SaleCount()+n)
			commands = append(commands, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)})
		}
		p.apply(commands...)
	}
	spec.ID = "one-more"
	d := p.apply(sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)},
		sequencer.Command{Kind: sequencer.KindBuy, Sale: sequencer.SalesMax, User: []byte("alice"), Quantity: 1})
	if d.Results[0].Code != sequencer.CodeSaleLimit || d.Results[1].State != sequencer.StateReserved {
		t.Fatalf("%+v", d.Results)
	}
	if err := p.state.Verify(); err != nil {
		t.Fatal(err)
	}
}

// With skip unfit, promote looks at the head and at the next SkipScanMax orders.
func TestSkipScanIsBounded(t *testing.T) {
	for _, blocked := range []int{sequencer.SkipScanMax - 1, sequencer.SkipScanMax, sequencer.SkipScanMax + 1} {
		p := newPair(t)
		p.create(func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist, s.SkipUnfit = 2, 5000, true })
		p.apply(buyOf(0, 2, sequencer.KeyDigest{}))
		var commands []sequencer.Command
		for i := range blocked {
			commands = append(commands, buyOf(1+i, 2, sequencer.KeyDigest{}))
		}
		// One who fits waits behind all who do not.
		p.apply(append(commands, buyOf(1+blocked, 1, sequencer.KeyDigest{}))...)
		d := p.apply(sequencer.Command{Kind: sequencer.KindSaleQuantity, Sale: 1, Amount: 1})
		if reached := blocked <= sequencer.SkipScanMax; reached != (len(d.Events) == 1) {
			t.Errorf("behind %d who do not fit: events %+v", blocked, d.Events)
		}
		got, _ := p.state.Sale(1)
		if want, _ := p.model.Sale(1); got != want {
			t.Errorf("%d blocked:\n  got  %+v\n  want %+v", blocked, got, want)
		}
	}
}

func buyOf(user, quantity int, key sequencer.KeyDigest) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: fmt.Appendf(nil, "u%d", user), Quantity: uint8(quantity), Key: key}
}

// A user makes OrdersPerUserMax orders in a sale, and as many in every other one: the
// orders of one sale lock nobody out of the next, and every key of them all stays bound,
// also after a snapshot, however the user goes to and fro between the sales.
func TestOrdersPerUserAndSale(t *testing.T) {
	p := newPair(t)
	const sales = 3
	for range sales {
		p.create(func(s *sequencer.SaleSpec) { s.Quantity, s.Cap = 10_000, sequencer.CapMax })
	}
	buy := func(sale uint16, key int) sequencer.Result {
		t.Helper()
		c := buyOf(1, 1, sequencer.DigestKey([]byte("u1"), fmt.Append(nil, key)))
		c.Sale = sale
		return p.apply(c).Results[0]
	}

	made := map[int]sequencer.Result{} // by key
	for key := range sales * sequencer.OrdersPerUserMax {
		sale := uint16(1 + key*key%7%sales) // stays in a sale, and leaves it, and comes back
		r := buy(sale, key)
		if r.Code == sequencer.CodeOK {
			made[key] = r
		} else if r.Code != sequencer.CodeOrderLimit {
			t.Fatalf("key %d: %+v", key, r)
		}
	}
	for sale := uint16(1); sale <= sales; sale++ {
		for key := 1000 * int(sale); ; key++ {
			if r := buy(sale, key); r.Code == sequencer.CodeOrderLimit {
				break
			} else if r.Code != sequencer.CodeOK {
				t.Fatalf("key %d: %+v", key, r)
			} else {
				made[key] = r
			}
		}
	}
	if len(made) != sales*sequencer.OrdersPerUserMax {
		t.Fatalf("%d orders, want %d in each of %d sales", len(made), sequencer.OrdersPerUserMax, sales)
	}

	p.restart()
	for key, first := range made {
		if r := buy(first.Sale, key); !r.Replayed || r.Seq != first.Seq {
			t.Errorf("key %d of sale %d again: %+v, want seq %d", key, first.Sale, r, first.Seq)
		}
		if r := buy(1+first.Sale%sales, key); r.Code != sequencer.CodeKeyReused {
			t.Errorf("key %d of sale %d in another sale: %+v", key, first.Sale, r)
		}
	}
	for limit, want := range map[int]int{-1: 0, 0: 0, 1: 1, len(made) - 1: len(made) - 1, 1000: len(made)} {
		if got := p.state.OrdersOf([]byte("u1"), 0, limit); len(got) != want {
			t.Errorf("%d orders are listed of at most %d, want %d", len(got), limit, want)
		}
	}
}

// restart goes on with a state that was read from the state's snapshot.
func (p *pair) restart() {
	p.t.Helper()
	var written bytes.Buffer
	if _, err := p.state.Snapshot().WriteTo(&written); err != nil {
		p.t.Fatal(err)
	}
	restored, err := sequencer.ReadSnapshot(&written)
	if err == nil {
		err = restored.Verify()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.state = restored
}
