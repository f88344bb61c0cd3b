package audit

import (
	"time"

	"onsale/sequencer"
	"onsale/wal/journal"
)

type batches []sequencer.Batch

// forgery is a journal that breaks what the checks hold it to, and nothing else.
type forgery struct {
	name string
	// finds are the checks that must report it, all of them and no others.
	finds   []check
	batches batches
	// forge changes what an honest engine decided.
	forge func(f *forged)
	// prepare changes the auditor before it reads.
	prepare func(a *auditor)
	// write changes the bytes of the last block.
	write func(b *journal.Block)
	// damage is what reading the journal ends in.
	damage error
}

// forged is the decisions of an honest engine that a forgery changes.
type forged struct{ blocks []entry }

// run audits the forgery's blocks.
func (f *forgery) run(o Options) *Report {
	story := forged{decided(f.batches, honest)}
	if f.forge != nil {
		f.forge(&story)
	}
	a := newAuditor(o)
	if f.prepare != nil {
		f.prepare(a)
	}
	if f.write == nil {
		f.write = func(*journal.Block) {}
	}
	a.read(story.blocks, f.write)
	if f.damage != nil && !a.damaged(f.damage) {
		panic(f.damage)
	}
	return a.finish()
}

// audited is the report of blocks that were read from a whole chain.
func audited(blocks []entry, o Options) *Report {
	a := newAuditor(o)
	a.read(blocks, func(*journal.Block) {})
	return a.finish()
}

// read audits blocks as a scan of a journal gives them. The bytes of the last may be
// changed.
func (a *auditor) read(blocks []entry, change func(b *journal.Block)) {
	for i := range blocks {
		b := block(&blocks[i])
		b.Height, b.RaftIndex = uint64(i)+1, 2*uint64(i)+2
		if i == len(blocks)-1 {
			change(&b)
		}
		if err := a.block(&b); err != nil {
			panic(err) // it has none
		}
	}
}

// decision returns where the decision of the command with a seq is.
func (f *forged) decision(seq uint64) (*sequencer.Result, *entry) {
	for i := range f.blocks {
		if d := &f.blocks[i].decisions; seq >= d.FirstSeq && seq < d.FirstSeq+uint64(len(d.Results)) {
			return &d.Results[seq-d.FirstSeq], &f.blocks[i]
		}
	}
	panic("the story has no such command")
}

func (f *forged) result(seq uint64) *sequencer.Result {
	r, _ := f.decision(seq)
	return r
}

// last returns the newest block.
func (f *forged) last() *entry { return &f.blocks[len(f.blocks)-1] }

// reserve lets a buy get a new order with tickets.
func (f *forged) reserve(seq uint64, quantity uint8) *sequencer.Result {
	r, at := f.decision(seq)
	*r = sequencer.Result{
		Seq: seq, Kind: r.Kind, Order: seq, Sale: 1, State: sequencer.StateReserved,
		Quantity: quantity, Deadline: at.decisions.Time + forgedHold,
	}
	return r
}

// wait lets a buy get a new order on the waitlist.
func (f *forged) wait(seq uint64, quantity uint8, position uint32) {
	r := f.result(seq)
	*r = sequencer.Result{
		Seq: seq, Kind: r.Kind, Order: seq, Sale: 1, State: sequencer.StateWaitlisted,
		Quantity: quantity, Position: position,
	}
}

// show lets a decision be about an order.
func (f *forged) show(
	seq uint64, code sequencer.Code, order uint64, state sequencer.OrderState, quantity uint8,
) *sequencer.Result {
	r := f.result(seq)
	*r = sequencer.Result{Seq: seq, Kind: r.Kind, Code: code, Order: order, Sale: 1, State: state, Quantity: quantity}
	if state.Holds() {
		r.Deadline = storyStart + forgedHold
	}
	if state == sequencer.StatePaid || state == sequencer.StateRefunded {
		r.Ticket = 1
	}
	return r
}

// happen adds an event to the newest block.
func (f *forged) happen(e sequencer.Event) {
	d := &f.last().decisions
	e.Sale = max(e.Sale, 1)
	d.Events = append(d.Events, e)
}

// event returns the only event of the newest block.
func (f *forged) event() *sequencer.Event {
	if d := &f.last().decisions; len(d.Events) == 1 {
		return &d.Events[0]
	}
	panic("the story's last batch has not one event")
}

// still takes the events of the newest block away.
func (f *forged) still() {
	f.event()
	f.last().decisions.Events = nil
}

const (
	forgedHold  = 3 * int64(time.Second)
	forgedPrice = 10
)

// at is a batch some seconds after the sale's start.
func at(seconds int64, commands ...sequencer.Command) sequencer.Batch {
	return sequencer.Batch{Time: storyStart + seconds*int64(time.Second), Commands: commands}
}

// sell creates a sale of 2 tickets without a waitlist, unless its spec is changed.
func sell(changes ...func(s *sequencer.SaleSpec)) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindSaleCreate, Body: spec(changes...)}
}

func spec(changes ...func(s *sequencer.SaleSpec)) []byte {
	s := sequencer.SaleSpec{
		ID: "spring", Item: "ticket", Quantity: 2, Cap: 4, Price: forgedPrice, Currency: "EUR",
		StartsAt: storyStart, Hold: forgedHold, Grace: int64(time.Second),
	}
	for _, change := range changes {
		change(&s)
	}
	return sequencer.AppendSaleSpec(nil, &s)
}

func quantity(n uint32) func(s *sequencer.SaleSpec) {
	return func(s *sequencer.SaleSpec) { s.Quantity = n }
}

func waitlist(n uint32) func(s *sequencer.SaleSpec) {
	return func(s *sequencer.SaleSpec) { s.Waitlist = n }
}

func pseudonyms(s *sequencer.SaleSpec) { s.PseudonymKey = 0xcafe }

func free(s *sequencer.SaleSpec) { s.Price = 0 }

func skipUnfit(s *sequencer.SaleSpec) { s.SkipUnfit = true }

func buy(user string, quantity uint8) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: []byte(user), Quantity: quantity}
}

func cancel(order uint64, user string) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindCancel, Order: order, User: []byte(user)}
}

func pay(order uint64, user string, tickets int64) sequencer.Command {
	return sequencer.Command{
		Kind: sequencer.KindPayBegin, Order: order, User: []byte(user), Amount: forgedPrice * tickets, Reference: accountFor(forgedPrice * tickets),
	}
}

// accountFor is under which account an amount is charged.
func accountFor(amount int64) []byte {
	if amount == 0 {
		return nil
	}
	return []byte("a")
}

func outcome(order uint64, o sequencer.PayOutcome) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: 1, Outcome: o}
}

func captured(order uint64, tickets int64) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindPayCaptured, Order: order, Attempt: 1, Amount: forgedPrice * tickets}
}

func voided(order uint64, o sequencer.PayOutcome) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindPayVoided, Order: order, Attempt: 1, Outcome: o}
}

func bounced(order uint64) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindPayBounced, Order: order, Attempt: 1, Count: 1, Reason: sequencer.ReasonRefundLost}
}

// ofPart lets a command be about a part's money.
func ofPart(number uint8, c sequencer.Command) sequencer.Command {
	c.Part = number
	return c
}

// partly lets a cancel or refund be of some tickets.
func partly(tickets uint8, c sequencer.Command) sequencer.Command {
	c.Quantity = tickets
	return c
}

// naming lets a refund name the tickets that it revokes.
func naming(c sequencer.Command, tickets ...uint32) sequencer.Command {
	c.Body = sequencer.AppendTicketNames(nil, tickets)
	return c
}

func refund(order uint64) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindRefund, Order: order}
}

// more lets the seller add tickets.
func more(tickets int64) sequencer.Command { return onSale(sequencer.KindSaleQuantity, tickets) }

// onSale is a seller's command on sale 1.
func onSale(kind sequencer.Kind, amount int64) sequencer.Command {
	return sequencer.Command{Kind: kind, Sale: 1, Amount: amount}
}

func update(changes ...func(s *sequencer.SaleSpec)) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindSaleUpdate, Sale: 1, Body: spec(changes...)}
}

// inSale lets a command be about another sale than the first.
func inSale(number uint16, c sequencer.Command) sequencer.Command {
	c.Sale = number
	return c
}

// forward announces a front-end's batch of some commands.
func forward(session uint64, number int64, commands uint32) sequencer.Command {
	return sequencer.Command{Kind: sequencer.KindForward, Order: session, Amount: number, Count: commands}
}

// nobody cancels an order that does not exist: a command that changes nothing.
func nobody() sequencer.Command { return cancel(99, "nobody") }
