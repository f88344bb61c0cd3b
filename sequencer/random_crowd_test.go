package sequencer_test

import (
	"math/rand/v2"
	"testing"

	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// crowdBuyers is enough for several pages of orders, users and places.
const (
	crowdBuyers           = 30_000
	crowdBuyersInShortRun = 6_000
)

// A long waitlist keeps exact positions while people leave from its middle and
// its head is promoted, and a snapshot of it is read back.
func TestCrowd(t *testing.T) {
	random := rand.New(rand.NewPCG(*firstSeed, 3))
	trial := newTrial(40, new(coverage))
	spec, buyers := defaultSpec("crowd"), testenv.Pick(crowdBuyers, crowdBuyersInShortRun)
	spec.Quantity, spec.Waitlist, spec.Price = 500, uint32(buyers), 1
	batch := sequencer.Batch{Time: scenario.DayStart, Commands: []sequencer.Command{{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}}}
	for made := 0; made < buyers; {
		play(t, trial, &batch)
		batch.Time += int64(random.IntN(1_000_000_000))
		batch.Commands = batch.Commands[:0]
		for range 1 + random.IntN(400) {
			batch.Commands = append(batch.Commands, buyOf(made, 1+random.IntN(2), sequencer.KeyDigest{}))
			made++
			if random.IntN(10) == 0 { // one of the last buyers again
				batch.Commands = append(batch.Commands, buyOf(made-random.IntN(min(made, 60)), 1, sequencer.KeyDigest{}))
			}
		}
		for range random.IntN(100) {
			batch.Commands = append(batch.Commands, leaveCrowd(random, trial.state))
		}
	}
	for range 200 {
		batch.Time += int64(random.IntN(60_000_000_000))
		batch.Commands = []sequencer.Command{leaveCrowd(random, trial.state), {Kind: sequencer.KindSaleQuantity, Sale: 1, Amount: 1}}
		play(t, trial, &batch)
	}
	if err := trial.compareAll(); err != nil {
		t.Fatal(err)
	}
	if view, _ := trial.state.Sale(1); view.Waiting < 1000 || view.ServedSeq == 0 {
		t.Fatalf("the crowd has become too small: %+v", view)
	}
}

func play(t *testing.T, trial *trial, b *sequencer.Batch) {
	t.Helper()
	if err := trial.play(b); err != nil {
		t.Fatal(err)
	}
}

// leaveCrowd cancels some order, whose user is named by its place in the crowd.
func leaveCrowd(random *rand.Rand, s *sequencer.State) sequencer.Command {
	order, _ := s.Order(s.Seq() - random.Uint64N(s.Seq()))
	return sequencer.Command{Kind: sequencer.KindCancel, Order: order.Seq, User: []byte(order.User)}
}

// At the end of time holds do not overflow: they end there.
func TestEndOfTime(t *testing.T) {
	p := newPair(t)
	p.create(func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist, s.Hold = 2, 5, sequencer.DurationMax })
	p.time = sequencer.TimeMax - 1
	p.apply(buyOf(0, 1, sequencer.KeyDigest{}), buyOf(1, 1, sequencer.KeyDigest{}), buyOf(2, 1, sequencer.KeyDigest{}),
		sequencer.Command{Kind: sequencer.KindPayBegin, Order: 2, User: []byte("u0"), Amount: 1000, Reference: []byte("a")},
		sequencer.Command{Kind: sequencer.KindSaleExtend, Sale: 1, Amount: sequencer.DurationMax})
	p.time = sequencer.TimeMax
	if d := p.apply(buyOf(3, 1, sequencer.KeyDigest{})); len(d.Events) == 0 {
		t.Fatal("no hold ended at the end of time")
	}
	p.apply()
}
