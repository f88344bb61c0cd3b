package audit

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

// teller makes up a story: it sees what became of the buys so far, so that later
// commands are about orders that exist.
type teller struct {
	random *rand.Rand
	state  *sequencer.State
	orders []sequencer.OrderView
}

// story is batches of a busy sale: everything of an order's life happens.
func story(seed uint64, batches int) []sequencer.Batch {
	teller := teller{random: rand.New(rand.NewPCG(seed, 7)), state: sequencer.New()}
	list := []sequencer.Batch{{Time: storyStart, Commands: []sequencer.Command{
		{Kind: sequencer.KindSaleCreate, Body: storySpec("spring", 20, 3)},
		{Kind: sequencer.KindSaleCreate, Body: storySpec("autumn", 6, 0)},
	}}}
	teller.watch(&list[0])
	now := storyStart
	for range batches {
		now += int64(teller.random.IntN(200)) * int64(time.Millisecond)
		b := sequencer.Batch{Time: now}
		for range teller.random.IntN(6) {
			b.Commands = append(b.Commands, teller.command())
		}
		teller.watch(&b)
		list = append(list, b)
	}
	return list
}

func (t *teller) watch(b *sequencer.Batch) {
	var d sequencer.Decisions
	t.state.Apply(b, &d)
	for _, r := range d.Results {
		if r.Kind == sequencer.KindBuy && r.Order == r.Seq && !r.Replayed {
			order, _ := t.state.Order(r.Order)
			t.orders = append(t.orders, order)
		}
	}
}

func storySpec(id string, quantity, waitlist uint32) []byte {
	return sequencer.AppendSaleSpec(nil, &sequencer.SaleSpec{
		ID: id, Item: "ticket", Quantity: quantity, Cap: 2, Waitlist: waitlist, Price: 10, Currency: "EUR",
		StartsAt: storyStart, Hold: int64(3 * time.Second), Grace: int64(time.Second),
	})
}

func (t *teller) command() sequencer.Command {
	n := t.random.IntN(100)
	if n < 60 || len(t.orders) == 0 {
		return t.buy()
	}
	newest := 12
	if n >= 82 && n < 94 {
		newest = len(t.orders) // a payment's outcome comes sooner or later, or the story stands still
	}
	order, _ := t.state.Order(t.orders[len(t.orders)-1-t.random.IntN(min(len(t.orders), newest))].Seq)
	c := sequencer.Command{Order: order.Seq, User: []byte(order.User)}
	switch {
	case n < 66:
		c.Kind, c.Quantity = sequencer.KindCancel, uint8(t.random.IntN(2))
	case n < 82:
		c.Kind, c.Amount, c.Reference = sequencer.KindPayBegin, 10*int64(order.Quantity), []byte("a")
		c.Count = uint32(t.random.IntN(2) * t.random.IntN(6))
	case n < 84:
		return sequencer.Command{Kind: sequencer.KindPayCalled, Order: order.Seq, Attempt: 1}
	case n < 94:
		return sequencer.Command{Kind: sequencer.KindPayResult, Order: order.Seq, Attempt: 1, Outcome: sequencer.PayOutcome(1 + t.random.IntN(4))}
	case n < 97:
		return sequencer.Command{Kind: sequencer.KindRefund, Order: order.Seq, Quantity: uint8(t.random.IntN(2))}
	default:
		return sequencer.Command{Kind: sequencer.KindSaleRelease, Sale: order.Sale, Amount: 1}
	}
	return c
}

func (t *teller) buy() sequencer.Command {
	c := sequencer.Command{
		Kind: sequencer.KindBuy, Sale: uint16(1 + t.random.IntN(2)), User: fmt.Appendf(nil, "user-%d", t.random.IntN(50)),
		Quantity: uint8(1 + t.random.IntN(2)), Min: uint8(t.random.IntN(2)),
	}
	if t.random.IntN(3) == 0 {
		c.Key = sequencer.DigestKey(c.User, []byte{byte(t.random.IntN(3))})
	}
	return c
}

// entry is a journal's block, taken apart.
type entry struct {
	batch     sequencer.Batch
	decisions sequencer.Decisions
	stateHash uint64
}

// decided are batches with what an engine decides of them. The engine may be
// given other batches than the journal: that is how a bug is planted in it.
func decided(batches []sequencer.Batch, engine func(sequencer.Batch) sequencer.Batch) []entry {
	state := sequencer.New()
	var entries []entry
	for _, b := range batches {
		e := entry{batch: b}
		seen := engine(b)
		state.Apply(&seen, &e.decisions)
		e.stateHash = state.Hash()
		entries = append(entries, e)
	}
	return entries
}

func honest(b sequencer.Batch) sequencer.Batch { return b }

// record writes entries as a journal with a chain of its own.
func record(t testing.TB, entries []entry) (dir string, head journal.Hash) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(dir, journal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	put(t, j, entries)
	head = j.Position().Hash
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, head
}

func put(t testing.TB, j *journal.Journal, entries []entry) {
	t.Helper()
	for i := range entries {
		b := block(&entries[i])
		b.RaftIndex = j.Position().RaftIndex + 2
		if err := j.Put(&b); err != nil {
			t.Fatal(err)
		}
	}
}

// block is an entry as a node writes it; it has no place in a chain yet.
func block(e *entry) journal.Block {
	return journal.Block{
		Term: 1, StateHash: e.stateHash,
		Batch: sequencer.AppendBatch(nil, &e.batch), Decisions: sequencer.AppendDecisions(nil, &e.decisions),
	}
}
