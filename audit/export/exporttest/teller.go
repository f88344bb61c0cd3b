// Package exporttest makes up journals for tests of what is made from them.
package exporttest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"onsale/sequencer"
	"onsale/wal/journal"
)

const storyStart = 1_764_000_000_000_000_000 // 2025-11-24, 16:00 UTC

// Teller makes up busy sales, and adds up the money of what it told. Two of one seed tell
// the same.
type Teller struct {
	random *rand.Rand
	State  *sequencer.State // as of the last block
	orders []uint64
	now    int64
	height uint64
	id     sequencer.KeyDigest // of the cluster

	Captured int64 // of all sales together
}

// NewTeller begins a story.
func NewTeller(seed uint64) *Teller {
	t := &Teller{id: sequencer.KeyDigest{1, byte(seed)}, random: rand.New(rand.NewPCG(seed, 19)), State: sequencer.New(), now: storyStart}
	return t
}

// Journal opens a journal in a folder, for the time of a test.
func Journal(t testing.TB, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, journal.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// Grow puts so many blocks more into a journal.
func (t *Teller) Grow(tb testing.TB, to *journal.Journal, blocks int) {
	tb.Helper()
	for range blocks {
		b := t.Next()
		if err := to.Put(&b); err != nil {
			tb.Fatal(err)
		}
	}
}

func saleSpec(id, zone string, test bool) []byte {
	return sequencer.AppendSaleSpec(nil, &sequencer.SaleSpec{ID: id, Item: "=ticket", Quantity: 60, Cap: 4, Waitlist: 10, Price: 4900, Currency: "EUR",
		Hold: int64(time.Hour), Grace: int64(time.Minute), Zone: zone, Test: test})
}

// sales are what the second batch creates.
func sales() (commands []sequencer.Command) {
	for i, zone := range []string{"Europe/Berlin", "", "America/New_York"} {
		commands = append(commands, sequencer.Command{Kind: sequencer.KindSaleCreate, Actor: []byte("ann"), Body: saleSpec(fmt.Sprint("sale-", i+1), zone, i == 2)})
	}
	return commands
}

// Next is a block: usually seconds later than the one before, and now and then most of a day. The
// first is the cluster's birth.
func (t *Teller) Next() journal.Block {
	if t.height == 0 {
		return t.born(sequencer.BirthNew, t.id, t.now)
	}
	var commands []sequencer.Command
	if t.height == 1 {
		commands = sales()
	}
	t.now += int64(t.random.IntN(20)) * int64(time.Second)
	if t.random.IntN(60) == 0 {
		t.now += int64(19 * time.Hour)
	}
	for range t.random.IntN(8) {
		commands = append(commands, t.command())
	}
	return t.decide(commands)
}

// Now is the time of the last block.
func (t *Teller) Now() int64 { return t.now }

// Restore is the block with which a cluster goes on that was made from a backup of this moment, at a later
// time; it draws an id. What comes then is another story.
func (t *Teller) Restore(cause sequencer.BirthCause, id byte, at int64) journal.Block {
	t.random = rand.New(rand.NewPCG(uint64(id), t.height))
	block := t.born(cause, sequencer.KeyDigest{id}, at)
	t.now = max(t.now, at)
	return block
}

func (t *Teller) born(cause sequencer.BirthCause, id sequencer.KeyDigest, at int64) journal.Block {
	return t.decide([]sequencer.Command{{Kind: sequencer.KindBirth, Amount: at, Count: uint32(cause), Key: id}})
}

// decide returns the block that a batch makes.
func (t *Teller) decide(commands []sequencer.Command) journal.Block {
	b, d := sequencer.Batch{Time: t.now, Commands: commands}, sequencer.Decisions{}
	t.State.Apply(&b, &d)
	for i := range d.Results {
		r, c := &d.Results[i], &b.Commands[i]
		switch {
		case r.Code == sequencer.CodeOK && c.Kind == sequencer.KindBuy && !r.Replayed:
			t.orders = append(t.orders, r.Order)
		case r.Code == sequencer.CodeOK && c.Kind == sequencer.KindPayCaptured:
			t.Captured += c.Amount
		}
	}
	t.height++
	return journal.Block{RaftIndex: 2 * t.height, Term: 1, StateHash: t.State.Hash(), Batch: sequencer.AppendBatch(nil, &b), Decisions: sequencer.AppendDecisions(nil, &d)}
}

func (t *Teller) command() sequencer.Command {
	if n := t.random.IntN(100); n < 35 || len(t.orders) == 0 {
		return sequencer.Command{Kind: sequencer.KindBuy, Sale: uint16(1 + t.random.IntN(3)), Quantity: uint8(1 + t.random.IntN(4)),
			User: fmt.Appendf(nil, "user-%d", t.random.IntN(200))}
	} else if n < 38 {
		return t.seller()
	}
	v, _ := t.State.Order(t.orders[len(t.orders)-1-t.random.IntN(min(len(t.orders), 60))])
	c := sequencer.Command{Order: v.Seq, User: []byte(v.User), Attempt: v.Attempts}
	switch {
	case v.State == sequencer.StatePaying && t.random.IntN(4) > 0:
		c.Kind, c.Outcome = sequencer.KindPayResult, []sequencer.PayOutcome{sequencer.PayAccepted, sequencer.PayAccepted, sequencer.PayRejected, sequencer.PayCancelled}[t.random.IntN(4)]
	case v.CaptureDue && t.random.IntN(3) > 0:
		sale, _ := t.State.Sale(v.Sale)
		c.Kind, c.Amount = sequencer.KindPayCaptured, sale.Price*v.TakenTickets()
	case v.State == sequencer.StateReserved && t.random.IntN(5) > 0:
		sale, _ := t.State.Sale(v.Sale)
		c.Kind, c.Amount, c.Reference = sequencer.KindPayBegin, sale.Price*int64(v.Quantity), []byte("account")
	case v.VoidsDue != 0:
		c.Kind, c.Outcome = sequencer.KindPayVoided, []sequencer.PayOutcome{sequencer.PayRefunded, sequencer.PayCancelled}[t.random.IntN(2)]
	case v.PartTickets(sequencer.PartDue) > 0:
		c.Kind, c.Outcome, c.Part = sequencer.KindPayVoided, sequencer.PayRefunded, uint8(1+t.random.IntN(len(v.Parts)))
	case v.State == sequencer.StateRefunded:
		c.Kind, c.Count, c.Reason = sequencer.KindPayBounced, 1, sequencer.ReasonRefundLost
	case v.State == sequencer.StatePaid && t.random.IntN(2) == 0:
		c.Kind, c.Quantity = sequencer.KindRefund, uint8(t.random.IntN(3))
		c.Key = sequencer.DigestKey(c.User, fmt.Append(nil, t.height))
	default:
		c.Kind, c.Quantity = sequencer.KindCancel, uint8(t.random.IntN(2))
	}
	return c
}

func (t *Teller) seller() sequencer.Command {
	c := sequencer.Command{Sale: uint16(1 + t.random.IntN(3)), Actor: []byte("bob")}
	switch n := t.random.IntN(40); {
	case n < 15:
		c.Kind, c.Amount = sequencer.KindSaleQuantity, 5
	case n < 25:
		c.Kind, c.Amount = sequencer.KindSaleRelease, 1
	case n < 30:
		c.Kind, c.Amount = sequencer.KindSaleExtend, int64(time.Minute)
	case n < 35:
		c.Kind = sequencer.KindSalePause
	case n < 39:
		c.Kind = sequencer.KindSaleResume
	default:
		c.Kind = sequencer.KindSaleClose
	}
	return c
}
