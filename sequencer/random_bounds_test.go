package sequencer_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"onsale/audit/naive"
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
	if testing.Short() || raceEnabled {
		t.Skip("tens of thousands of sales")
	}
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

// The newest RefusalKeysMax refusals are remembered, twice as many at most, and
// State forgets when the naive model does.
func TestRefusalGenerations(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("millions of refusals")
	}
	p := newPair(t)
	p.create(func(s *sequencer.SaleSpec) { s.Quantity = 1 })
	p.apply(buyOf(0, 1, sequencer.KeyDigest{}))
	key := func(n int) sequencer.KeyDigest {
		return sequencer.DigestKey([]byte("u1"), binary.LittleEndian.AppendUint64(nil, uint64(n)))
	}
	commands := make([]sequencer.Command, 1<<14)
	refused := 0
	for refused < 2*sequencer.RefusalKeysMax {
		for i := range commands {
			refused++
			commands[i] = buyOf(1, 1, key(refused))
		}
		p.apply(commands...)
	}
	remembers := func(n int) bool { return p.apply(buyOf(1, 1, key(n))).Results[0].Replayed }
	if !remembers(1) || !remembers(sequencer.RefusalKeysMax) || !remembers(refused) {
		t.Fatal("a refusal among the newest is forgotten")
	}
	p.apply(buyOf(1, 1, key(refused+1)))
	if !remembers(refused-sequencer.RefusalKeysMax+1) || remembers(sequencer.RefusalKeysMax) {
		t.Fatal("one more refusal drops the older generation, and nothing else")
	}
}
