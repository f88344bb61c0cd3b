package report

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"onsale/sequencer"
	"onsale/wal/journal"
)

const storyStart = 1_780_272_000 * int64(time.Second)

// teller makes up the story of two sales in which everything happens.
type teller struct {
	random *rand.Rand
	state  *sequencer.State
	orders []sequencer.OrderView
	now    int64
	wide   bool // the story takes days
}

// tell returns batches with what was decided of them, and the first sale after each.
func tell(seed uint64, batches int) (story []told) {
	t := teller{random: rand.New(rand.NewPCG(seed, 11)), state: sequencer.New(), now: storyStart, wide: seed%3 == 0}
	skip, late := seed%2 == 0, int64(seed%4)*int64(5*time.Second)
	story = append(story, t.decide([]sequencer.Command{
		{Kind: sequencer.KindSaleCreate, Body: spec("autumn", 5, 0, 0, false)},
	}))
	story = append(story, t.decide([]sequencer.Command{
		{Kind: sequencer.KindBuy, Sale: 2, User: []byte("early"), Quantity: 1},
		{Kind: sequencer.KindSaleCreate, Body: spec("spring", 24, 4, late, skip)},
	}))
	for i := range batches {
		t.now += t.pause()
		var commands []sequencer.Command
		for range t.random.IntN(7) {
			commands = append(commands, t.command())
		}
		if i > batches*9/10 && t.random.IntN(batches/10+1) == 0 {
			commands = append(commands, sequencer.Command{Kind: sequencer.KindSaleClose + sequencer.Kind(t.random.IntN(2)), Sale: 2})
		}
		story = append(story, t.decide(commands))
	}
	return story
}

// told is a batch with its decisions, and how the second sale stands after it.
type told struct {
	batch     sequencer.Batch
	decisions sequencer.Decisions
	hash      uint64
	view      sequencer.SaleView
}

func (t *teller) decide(commands []sequencer.Command) told {
	e := told{batch: sequencer.Batch{Time: t.now, Commands: commands}}
	t.state.Apply(&e.batch, &e.decisions)
	e.hash = t.state.Hash()
	e.view, _ = t.state.Sale(2)
	for _, r := range e.decisions.Results {
		if r.Kind == sequencer.KindBuy && r.Order == r.Seq && !r.Replayed {
			order, _ := t.state.Order(r.Order)
			t.orders = append(t.orders, order)
		}
	}
	return e
}

func (t *teller) pause() int64 {
	if t.wide && t.random.IntN(40) == 0 {
		return int64(t.random.IntN(7200)) * int64(time.Second)
	}
	return int64(t.random.IntN(300)) * int64(time.Millisecond)
}

func spec(id string, quantity, waitlist uint32, late int64, skip bool) []byte {
	return sequencer.AppendSaleSpec(nil, &sequencer.SaleSpec{
		ID: id, Item: "ticket", Quantity: quantity, Cap: 2, Waitlist: waitlist, Price: 10, Currency: "EUR",
		StartsAt: storyStart + late, Hold: int64(3 * time.Second), Grace: int64(time.Second), SkipUnfit: skip,
	})
}

func (t *teller) command() sequencer.Command {
	n := t.random.IntN(200)
	if n < 110 || len(t.orders) == 0 {
		return t.buy()
	}
	order, _ := t.state.Order(t.orders[len(t.orders)-1-t.random.IntN(min(len(t.orders), 14))].Seq)
	c := sequencer.Command{Order: order.Seq, User: []byte(order.User)}
	switch {
	case n < 125:
		c.Kind, c.Quantity = sequencer.KindCancel, uint8(t.random.IntN(2))
	case n < 150:
		c.Kind, c.Amount, c.Reference = sequencer.KindPayBegin, 10*int64(order.Quantity)-int64(t.random.IntN(9)/8), []byte("a")
	case n < 180:
		return sequencer.Command{Kind: sequencer.KindPayResult, Order: order.Seq, Attempt: 1 + uint8(t.random.IntN(2)), Outcome: sequencer.PayOutcome(1 + t.random.IntN(4))}
	case n < 186:
		return sequencer.Command{Kind: sequencer.KindRefund, Order: order.Seq, Quantity: uint8(t.random.IntN(2))}
	default:
		return t.seller()
	}
	return c
}

func (t *teller) seller() sequencer.Command {
	c := sequencer.Command{Sale: uint16(1 + t.random.IntN(3))}
	switch t.random.IntN(8) {
	case 0:
		c.Kind = sequencer.KindSalePause
	case 1, 2, 3:
		c.Kind = sequencer.KindSaleResume
	case 4:
		c.Kind, c.Amount = sequencer.KindSaleQuantity, int64(t.random.IntN(9)-4)
	case 5:
		c.Kind, c.Body = sequencer.KindSaleUpdate, t.update()
	case 6:
		c = sequencer.Command{Kind: sequencer.KindSaleExtend, Sale: c.Sale, Amount: int64(time.Second)}
	default:
		c.Kind, c.Amount = sequencer.KindSaleRelease, 1
	}
	return c
}

// update is another spec before the start; after it, when only few terms may
// change, half of the time one that is taken.
func (t *teller) update() []byte {
	late, skip := int64(t.random.IntN(12))*int64(time.Second), t.random.IntN(2) == 0
	if sale, _ := t.state.Sale(2); t.random.IntN(2) == 0 {
		sale.Waitlist, sale.SkipUnfit = uint32(3+t.random.IntN(3)), skip
		return sequencer.AppendSaleSpec(nil, &sale.SaleSpec)
	}
	return spec("spring", 20, 3, late, skip)
}

func (t *teller) buy() sequencer.Command {
	c := sequencer.Command{
		Kind: sequencer.KindBuy, Sale: uint16(1 + t.random.IntN(9)/2%3), User: fmt.Appendf(nil, "user-%d", t.random.IntN(900)),
		Quantity: uint8(t.random.IntN(21) / 7 % 3), Min: uint8(t.random.IntN(2)),
	}
	if t.random.IntN(3) == 0 {
		c.Key = sequencer.DigestKey(c.User, []byte{byte(t.random.IntN(2))})
	}
	return c
}

// record writes a story as a journal.
func record(t testing.TB, story []told) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, journal.Options{SegmentBytes: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	for i := range story {
		block := journal.Block{
			RaftIndex: j.Position().RaftIndex + 2, Term: 1, StateHash: story[i].hash,
			Batch: sequencer.AppendBatch(nil, &story[i].batch), Decisions: sequencer.AppendDecisions(nil, &story[i].decisions),
		}
		if err := j.Put(&block); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}
