package simulation

import (
	"fmt"

	"onsale/audit"
	"onsale/payment"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// violation says which promise is broken: P1 to P9, or "rules" when the decisions are
// not those of package naive.
type violation struct {
	property string
	detail   string
}

func (v *violation) Error() string { return v.property + ": " + v.detail }

func violated(property, format string, values ...any) error {
	return &violation{property, fmt.Sprintf(format, values...)}
}

// propertyOf says which promise a finding of the audit's ledger is about.
var propertyOf = map[audit.Kind]string{
	audit.KindCount: "P1", audit.KindCap: "P2", audit.KindFIFO: "P4", audit.KindSequence: "P4",
	audit.KindTicket: "P1", audit.KindKey: "P5", audit.KindExpiry: "P7", audit.KindTime: "P7", audit.KindOrder: "P9", audit.KindEvent: "P9",
}

// binding is what a key is bound to: an order, and what it was asked for.
type binding struct {
	order uint64
	wish  wish
}

// wish is what a buy asks for, with min filled in.
type wish struct {
	sale          uint16
	quantity, min uint8
}

// saleTerms are what a sale was created with, and what does not change while it runs.
type saleTerms struct {
	price    int64
	cap      uint8
	quantity int64
	key      sequencer.PseudonymKeyID
}

// decided checks what a replica decided: as the first one, or like it.
func (w *world) decided(r *replica, e *entry) error {
	if r.applied > uint64(len(w.history)) {
		return w.decidedFirst(r, e)
	}
	h := &w.history[r.applied-1]
	if h.entry != e {
		return violated("P3", "index %d was decided as an entry of term %d, and %v decides one of term %d there", r.applied, h.entry.term, r, e.term)
	}
	if hash := r.machine.Hash(); hash != h.hash {
		return violated("P8", "after index %d %v has state hash %016x, another replica had %016x", r.applied, r, hash, h.hash)
	}
	if err := scenario.Compare(&r.decisions, &h.decisions); e.data != nil && err != nil {
		return violated("P9", "%v decides index %d otherwise than it was: %v", r, r.applied, err)
	}
	return w.lookAgain(r, 4)
}

// decidedFirst books the decisions of an index that nobody decided before.
func (w *world) decidedFirst(r *replica, e *entry) error {
	b, d := &r.batch, w.keep(&r.decisions)
	w.history = append(w.history, decided{e, r.machine.Hash(), r.machine.Seq(), d})
	if e.data == nil {
		return nil
	}
	if err := w.checkRules(r, b, &d); err != nil {
		return err
	}
	for i := range d.Results {
		w.learnSale(&b.Commands[i], &d.Results[i])
		w.keepWord(r, &b.Commands[i], &d.Results[i])
	}
	for i := range d.Results {
		w.seen.Codes[d.Results[i].Code]++
		if err := w.checkResult(r, &b.Commands[i], &d.Results[i], requestAt(e, i)); err != nil {
			return err
		}
	}
	w.ledger.Read(b, &d)
	if found := w.ledger.Findings(); len(found) > 0 {
		return violated(propertyOf[found[0].Kind], "%s", found[0].String())
	}
	for i := range d.Events {
		w.seen.event(d.Events[i].Kind)
	}
	return w.checkState(r, &d)
}

// keep returns a copy of decisions that stays as it is.
func (w *world) keep(d *sequencer.Decisions) sequencer.Decisions {
	results, events := len(w.results), len(w.events)
	w.results, w.events = append(w.results, d.Results...), append(w.events, d.Events...)
	return sequencer.Decisions{Time: d.Time, FirstSeq: d.FirstSeq, Results: w.results[results:], Events: w.events[events:]}
}

func requestAt(e *entry, i int) *request {
	if e.requests == nil {
		return nil
	}
	return e.requests[i]
}

func (c *coverage) event(kind sequencer.EventKind) {
	switch kind {
	case sequencer.EventExpired:
		c.Expiries++
	case sequencer.EventPromoted:
		c.Promotions++
	case sequencer.EventOverdue:
		c.Overdues++
	}
}

// checkRules compares the decisions with those of package naive.
func (w *world) checkRules(r *replica, b *sequencer.Batch, d *sequencer.Decisions) error {
	if w.model == nil {
		return nil
	}
	if err := scenario.Compare(d, w.model.Apply(b)); err != nil {
		return violated("rules", "index %d: %v", r.applied, err)
	}
	for _, number := range r.machine.TouchedSales() {
		got, _ := r.machine.Sale(number)
		if want, _ := w.model.Sale(number); got != want {
			return violated("rules", "index %d, sale %d:\n  got  %+v\n  want %+v", r.applied, number, got, want)
		}
	}
	if r.applied%64 == 0 { // it looks at every order
		got, any := r.machine.NextDue()
		if want, wanted := w.model.NextDue(); got != want || any != wanted {
			return violated("rules", "index %d: due next at %d (%t), want %d (%t)", r.applied, got, any, want, wanted)
		}
	}
	return nil
}

// learnSale remembers the terms of sales as their sellers said them.
func (w *world) learnSale(c *sequencer.Command, r *sequencer.Result) {
	switch {
	case r.Code != sequencer.CodeOK:
	case c.Kind == sequencer.KindSaleCreate:
		if spec, err := sequencer.DecodeSaleSpec(c.Body); err == nil {
			w.sales = append(w.sales, saleTerms{spec.Price, spec.Cap, int64(spec.Quantity), spec.PseudonymKey})
		}
	case c.Kind == sequencer.KindSaleUpdate:
		if spec, err := sequencer.DecodeSaleSpec(c.Body); err == nil {
			w.sales[c.Sale-1] = saleTerms{spec.Price, spec.Cap, int64(spec.Quantity), spec.PseudonymKey}
		}
	case c.Kind == sequencer.KindSaleQuantity:
		w.sales[c.Sale-1].quantity += c.Amount
	}
}

// checkResult checks one decision against what went before it.
func (w *world) checkResult(r *replica, c *sequencer.Command, d *sequencer.Result, q *request) error {
	if q != nil && d.Code != sequencer.CodeNotTaken {
		if q.executed++; q.numbered && q.executed > 1 {
			return violated("P5", "request %d of a numbered batch was executed %d times", q.id, q.executed)
		}
	}
	if c.Kind != sequencer.KindBuy || d.Code == sequencer.CodeNotTaken {
		return nil
	}
	if d.Code == sequencer.CodeOK && d.Seq%8 == 0 {
		if err := w.checkCaps(r, c.User); err != nil {
			return err
		}
	}
	if err := w.checkName(c, d); err != nil {
		return err
	}
	return w.checkKey(c, d)
}

// checkKey is P5 on the log: a key makes at most one order, and once it has, every repeat
// says that order. A refusal binds nothing.
func (w *world) checkKey(c *sequencer.Command, d *sequencer.Result) error {
	if c.Key == (sequencer.KeyDigest{}) || d.Code == sequencer.CodeBadRequest || d.Code == sequencer.CodeUnknownSale {
		return nil // without a key, or never in line
	}
	wish := wish{c.Sale, c.Quantity, c.Min}
	if wish.min == 0 {
		wish.min = wish.quantity
	}

	is, bound := w.keys[c.Key]
	switch again := d.Replayed && d.Seq == is.order && d.Order == is.order; {
	case bound && is.wish == wish && !again:
		return violated("P5", "a key has order %d, and is decided %v with seq %d, order %d (told again: %t)", is.order, d.Code, d.Seq, d.Order, d.Replayed)
	case bound && is.wish != wish && d.Code != sequencer.CodeKeyReused:
		return violated("P5", "a key has order %d for %v, and %v is decided %v with seq %d, order %d", is.order, is.wish, wish, d.Code, d.Seq, d.Order)
	case !bound && (d.Replayed || d.Code == sequencer.CodeKeyReused):
		return violated("P5", "seq %d is decided %v (told again: %t) under a key without an order", d.Seq, d.Code, d.Replayed)
	case !bound && d.Code == sequencer.CodeOK:
		w.keys[c.Key] = binding{d.Order, wish}
	}
	return nil
}

// checkCaps is P2 on the state, for the person who has a name, under all names, and every sale.
func (w *world) checkCaps(r *replica, name []byte) error {
	w.tickets = append(w.tickets[:0], make([]int, len(w.sales))...)
	person := personOf(name)
	for key := range sequencer.PseudonymKeyID(1 + pseudonymKeys) {
		orders := r.machine.OrdersOf(nameUnder(key, person), 0, sequencer.SalesMax)
		for i := range orders {
			o := &orders[i]
			if !o.State.Live() {
				continue
			}
			w.tickets[o.Sale-1] += int(o.Quantity)
			if tickets, limit := w.tickets[o.Sale-1], w.sales[o.Sale-1].cap; tickets > int(limit) {
				return violated("P2", "person %d, here as %q, has %d tickets of sale %d, whose cap is %d", person, o.User, tickets, o.Sale, limit)
			}
		}
	}
	return nil
}

// checkState is P1 and P7 on the state after a batch.
func (w *world) checkState(r *replica, d *sequencer.Decisions) error {
	for _, number := range r.machine.TouchedSales() {
		if err := w.checkCounts(r, number); err != nil {
			return err
		}
	}
	if due, any := r.machine.NextDue(); any && due <= d.Time {
		return violated("P7", "after index %d something was due at %d, and the log's time is %d", r.applied, due, d.Time)
	}
	return nil
}

// checkCounts is P1: the counts add up to what the seller has put up for sale.
func (w *world) checkCounts(r *replica, number uint16) error {
	v, _ := r.machine.Sale(number)
	if sum := int64(v.Sold) + int64(v.Held) + int64(v.Withheld) + int64(v.Available); sum != w.sales[number-1].quantity {
		return violated("P1", "sale %d: %d sold + %d held + %d withheld + %d available, of %d", number, v.Sold, v.Held, v.Withheld, v.Available, w.sales[number-1].quantity)
	}
	return nil
}

// checkTickets is P1 and P10 of the tickets that buyers show: in each sale the orders have the
// numbers from 1 on, each once, and as many are not revoked as are sold.
func (w *world) checkTickets(r *replica) error {
	given, valid := make([]map[uint32]uint64, len(w.sales)), make([]uint32, len(w.sales))
	for i := range given {
		given[i] = map[uint32]uint64{}
	}
	for seq := uint64(1); seq <= r.machine.Seq(); seq++ {
		v, _ := r.machine.Order(seq)
		for _, ticket := range v.Tickets {
			if other, twice := given[v.Sale-1][ticket.Number]; twice {
				return violated("P10", "ticket %d of sale %d is of order %d and of order %d", ticket.Number, v.Sale, other, seq)
			}
			given[v.Sale-1][ticket.Number] = seq
		}
		if v.Tickets != nil {
			valid[v.Sale-1] += uint32(v.ValidTickets())
			w.seen.Tickets += len(v.Tickets)
			w.seen.Revoked += len(v.Tickets) - v.ValidTickets()
		}
	}
	for i := range w.sales {
		v, _ := r.machine.Sale(uint16(i + 1))
		if minted := v.Counters.Tickets[sequencer.StatePaid]; minted != uint64(len(given[i])) || minted > 0 && given[i][uint32(minted)] == 0 {
			return violated("P10", "sale %d gave out %d tickets, its orders have %d", i+1, minted, len(given[i]))
		}
		if valid[i] != v.Sold {
			return violated("P1", "sale %d has sold %d tickets, and %d are valid", i+1, v.Sold, valid[i])
		}
	}
	return nil
}

// checkTold is P4 and P5 as clients see them: who asks after somebody was answered is
// behind, unless the answer is an order that the key made before; and once a request was
// told an order, every answer that is decided after it is that order.
func (w *world) checkTold(q *request, r *sequencer.Result) error {
	since := q.sentAfter
	if r.Replayed {
		since = w.firstSent[q.command.Key]
	}
	if r.Seq <= since {
		return violated("P4", "request %d was sent after seq %d had been told and is told seq %d", q.id, since, r.Seq)
	}
	if !q.bound() || r.Order == 0 && r.Seq < q.result.Seq {
		return nil // each copy that is refused was decided in its own place, before the order
	}
	if r.Code != q.result.Code || r.Seq != q.result.Seq || r.Order != q.result.Order {
		return violated("P5", "request %d was told seq %d %v and is told seq %d %v", q.id, q.result.Seq, q.result.Code, r.Seq, r.Code)
	}
	return nil
}

// lookAgain is P3 and P9 on a state: orders that were told are there, as they were
// told or further on. It looks at the next few of them.
func (w *world) lookAgain(r *replica, count int) error {
	for range min(count, len(w.told)) {
		w.nextTold = (w.nextTold + 1) % len(w.told)
		if err := w.checkStill(r, w.told[w.nextTold]); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) checkStill(r *replica, q *request) error {
	if r.machine.Seq() < q.asOf {
		return nil // it has not come there yet
	}
	v, known := r.machine.Order(q.result.Order)
	switch {
	case !known:
		return violated("P3", "order %d was acknowledged (request %d) and %v does not have it", q.result.Order, q.id, r)
	case q.command.Kind == sequencer.KindBuy && (v.User != string(q.command.User) || v.Requested != q.command.Quantity || v.Sale != q.result.Sale):
		return violated("P9", "order %d is %+v, it was told as %+v", q.result.Order, v, q.result)
	case !follows(q.result.State, v.State):
		return violated("P9", "order %d was told to be %v and is %v", q.result.Order, q.result.State, v.State)
	}
	return nil
}

// follows reports whether an order can come from one state to another.
func follows(told, is sequencer.OrderState) bool {
	switch told {
	case sequencer.StateWaitlisted:
		return true
	case sequencer.StateReserved, sequencer.StatePaying:
		return is != sequencer.StateWaitlisted
	case sequencer.StatePaid:
		return is == sequencer.StatePaid || is == sequencer.StateRefunded
	}
	return is == told
}

// electedHasAll is P3 on logs: who is elected has every entry that anybody decided.
func (w *world) electedHasAll(r *replica) error {
	for index := r.base + 1; index <= uint64(len(w.history)); index++ {
		if index > r.last() || r.at(index) != w.history[index-1].entry {
			return violated("P3", "index %d was decided, and %v is elected without it", index, r)
		}
	}
	return nil
}

// restored is P8 after a snapshot was read: the state is the one of its index.
func (w *world) restored(r *replica) error {
	if h := &w.history[r.base-1]; r.machine.Hash() != h.hash || r.machine.Seq() != h.seq {
		return violated("P8", "%v is restored to index %d with hash %016x, seq %d; it was %016x, %d", r, r.base, r.machine.Hash(), r.machine.Seq(), h.hash, h.seq)
	}
	return w.lookAgain(r, 16)
}

// checkCaptured is P6 at any time: of one order at most one charge took money, once, in all
// accounts' books together.
func (w *world) checkCaptured(order uint64) error {
	taken := 0
	for _, c := range w.provider.of[order] {
		if c.captured == 0 {
			continue
		}
		if c.captured > c.amount || c.refunded > c.captured {
			return violated("P6", "attempt %d of order %d took %d of %d and gave back %d", c.key.attempt, order, c.captured, c.amount, c.refunded)
		}
		if c.refunded != c.captured {
			taken++
		}
	}
	if taken > 1 {
		return violated("P6", "%d attempts of order %d took money", taken, order)
	}
	return nil
}

// failedOf returns what of a paid order's money should have gone back with parts whose refunds
// failed for good, which is on record.
func (w *world) failedOf(v *sequencer.OrderView) int64 {
	return w.sales[v.Sale-1].price * (v.PartTickets(sequencer.PartFailed) + v.PartTickets(sequencer.PartAcknowledged))
}

// reconcile is P6 when all is settled: the money that is held is the price of the paid
// tickets, order by order, and all other money went back.
func (w *world) reconcile(r *replica) error {
	for _, key := range w.provider.keys {
		c := w.provider.charges[key]
		v, known := r.machine.Order(key.order)
		pays := known && v.State == sequencer.StatePaid && key.attempt == v.Attempts
		if account := r.machine.AccountOf(key.order, key.attempt); account != accountName(key.account) {
			return violated("P6", "attempt %d of order %d is in the books of %s, the log says %q", key.attempt, key.order, accountName(key.account), account)
		}
		if pays && key.account != 0 {
			w.seen.SecondAccounts++
		}
		switch {
		case pays && (c.Phase != payment.Captured || c.captured-c.refunded != w.amountOf(&v)+w.failedOf(&v)):
			return violated("P6", "order %d costs %d and is paid; its charge is %s, took %d and gave back %d", key.order, w.amountOf(&v), c.Phase, c.captured, c.refunded)
		case known && v.Failed&(1<<(key.attempt-1)) != 0 && c.Phase == payment.Captured && c.Refusal != sequencer.ReasonNone:
			// its refund failed for good, which is on record
		case !pays && (c.Phase == payment.Authorised || c.Phase == payment.Captured || c.captured != c.refunded):
			return violated("P6", "attempt %d of order %d (%v) is %s, took %d and gave back %d", key.attempt, key.order, v.State, c.Phase, c.captured, c.refunded)
		}
	}
	for seq := uint64(1); seq <= r.machine.Seq(); seq++ {
		v, known := r.machine.Order(seq)
		key, _ := attemptKey(r.machine.AccountOf(seq, v.Attempts), seq, v.Attempts)
		c := w.provider.charges[key]
		if known && v.WasPaid() && c != nil && v.Dispute != c.Dispute {
			return violated("P6", "the dispute of order %d is %+v, the books have %+v", seq, v.Dispute, c.Dispute)
		}
		if !known {
			continue
		}
		if w.amountOf(&v) == 0 {
			if err := w.free(&v); err != nil {
				return err
			}
		} else if v.State == sequencer.StatePaid && c == nil {
			return violated("P6", "order %d is paid without a charge", seq)
		}
	}
	return nil
}

// free is P6 of an order that costs nothing: the provider never hears of it, and nothing of
// it is taken or goes back.
func (w *world) free(v *sequencer.OrderView) error {
	if charges := w.provider.of[v.Seq]; len(charges) > 0 {
		return violated("P6", "order %d costs nothing, and the provider knows its attempt %d", v.Seq, charges[0].key.attempt)
	}
	if v.Captured || v.CaptureDue || v.VoidsDue|v.Voided != 0 {
		return violated("P6", "order %d costs nothing; captured %t, due %t, to give back %b, given back %b", v.Seq, v.Captured, v.CaptureDue, v.VoidsDue, v.Voided)
	}
	if v.State == sequencer.StatePaid {
		w.seen.FreePaid++
	}
	return nil
}
