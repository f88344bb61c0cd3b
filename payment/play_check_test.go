package payment_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// attemptIn reads a charge's key, which must be of this cluster.
func (p *play) attemptIn(c *payment.Charge) attemptOf {
	of, err := sequencer.ParsePaymentRef([]byte(c.Key))
	if err != nil || of.Seq>>56 != playNumber || of.Birth != paymenttest.BirthID() {
		p.t.Errorf("the key of %+v is not of this cluster: %v", c, err)
	}
	return attemptOf{of.Seq & (1<<56 - 1), of.Attempt}
}

// arrived checks each call as the provider takes it.
func (p *play) arrived(call paymenttest.CallName, c payment.Charge, status payment.Status) {
	of := p.attemptIn(&c)
	v := p.order(of.order)
	if of.number == 0 || of.number > v.Attempts {
		p.t.Errorf("%s of attempt %d of order %d, which has %d", call, of.number, of.order, v.Attempts)
		return
	}
	c.Since = 0 // where to look for it
	want := p.charge(of)
	want.Account = paymenttest.Account
	if c != want {
		p.t.Errorf("%s: charge %+v, want %+v", call, c, want)
	}
	switch {
	case call == paymenttest.CallAuthorise && v.Lined && of.number == v.Attempts:
		p.t.Errorf("P6: attempt %d of order %d is called, and stands in the line", of.number, of.order)
	case call == paymenttest.CallCapture:
		p.checkTakenOnce(of.order)
	case call == paymenttest.CallReturn && status.Phase == payment.Refunded:
		p.note("given back")
	}
}

// checkTakenOnce is P6 at any time: of one order at most one charge took money, once.
func (p *play) checkTakenOnce(order uint64) {
	taken := 0
	for _, e := range p.books.Entries() {
		if p.attemptIn(&e.Charge).order != order || e.CapturedAmount == 0 {
			continue
		}
		if !p.mayTake(p.attemptIn(&e.Charge), e.CapturedAmount) {
			p.t.Errorf("P6: %s took %d of %d", e.Key, e.CapturedAmount, e.Amount)
		}
		if e.RefundedAmount != e.CapturedAmount {
			taken++
		}
	}
	if taken > 1 {
		p.t.Errorf("P6: %d attempts of order %d took money", taken, order)
	}
}

// mayTake reports whether an attempt may have taken an amount: what its tickets cost, less by
// the parts that were refunded first.
func (p *play) mayTake(of attemptOf, amount int64) bool {
	v, price := p.order(of.order), p.priceOf(of.order)
	tickets := v.TicketsOf(of.number)
	for _, part := range v.Parts {
		if amount == price*tickets {
			return true
		}
		if part.Attempts >= of.number && part.State != sequencer.PartUnpaid {
			tickets -= int64(part.Quantity)
		}
	}
	return amount == price*tickets
}

// heldFor returns what a charge should hold when all is settled: the price of the tickets that
// its order has, when it paid for them.
func (p *play) heldFor(v *sequencer.OrderView, of attemptOf) int64 {
	if v.State != sequencer.StatePaid || of.number != v.Attempts {
		return 0
	}
	return p.priceOf(of.order) * int64(v.Quantity)
}

// checkBooks is P6 when all is settled: the money that is held is the price of the paid
// tickets, order by order, and all other money went back. The coordinator's own
// reconciliation agrees.
func (p *play) checkBooks() {
	charged, money := map[attemptOf]bool{}, map[string]payment.Takings{}
	for _, e := range p.books.Entries() {
		of := p.attemptIn(&e.Charge)
		charged[of] = true
		v := p.order(of.order)
		if want := p.charge(of); e.Charge != want {
			p.t.Errorf("P6: charged %+v, want %+v", e.Charge, want)
		}
		held, open := e.CapturedAmount-e.RefundedAmount, e.Phase == payment.Authorised || e.Phase == payment.Processing || e.Phase == payment.RequiresAction
		switch want := p.heldFor(&v, of); {
		case held != want || open || want > 0 && e.Phase != payment.Captured:
			p.t.Errorf("P6: attempt %d of order %d (%v, %d attempts, %d tickets, parts %+v) holds %d, want %d: %+v", of.number, of.order, v.State, v.Attempts, v.Quantity, v.Parts, held, want, e)
		case want > 0:
			p.noteParts(&v, &e)
		}
		if e.CapturedAmount > 0 {
			sum := money[e.Currency]
			money[e.Currency] = payment.Takings{Currency: e.Currency, Captured: sum.Captured + e.CapturedAmount, Refunded: sum.Refunded + e.RefundedAmount,
				Orders: sum.Orders + e.CapturedAmount - e.RefundedAmount}
		}
	}
	for _, seq := range p.orders {
		v := p.order(seq)
		of := attemptOf{seq, v.Attempts}
		if v.State == sequencer.StatePaid && !charged[of] && p.charge(of).Amount > 0 {
			p.t.Errorf("P6: order %d is paid without a charge", seq)
		}
	}
	for order := range p.told {
		if state := p.order(order).State; state != sequencer.StatePaid && state != sequencer.StateRefunded {
			p.t.Errorf("P2: order %d was told paid, and is %s", order, state)
		}
	}
	p.checkReconciliation(len(charged), money)
}

// noteParts notes what became of the money of a paid order's parts.
func (p *play) noteParts(v *sequencer.OrderView, e *payment.Entry) {
	for _, part := range v.Parts {
		p.note("a part is " + part.State.String())
	}
	for _, part := range e.Parts {
		if part.Refund > 1 {
			p.note("a part sent once more")
		}
	}
}

func (p *play) checkReconciliation(charges int, money map[string]payment.Takings) {
	found, err := p.life(p.cluster.Leader().ID()).desk.Reconcile(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	want := slices.SortedFunc(maps.Values(money), func(a, b payment.Takings) int { return strings.Compare(a.Currency, b.Currency) })
	if len(found.Differences) > 0 || found.Unsettled > 0 || found.Charges != charges || !slices.Equal(found.Money, want) {
		p.t.Errorf("reconciled: %+v, want %d charges, %+v", found, charges, want)
	}
}

// tally counts what happened.
type tally struct{ counts map[string]int }

func (t *tally) add(other *tally) {
	for what, count := range other.counts {
		t.count(what, count)
	}
}

func (t *tally) count(what string, count int) {
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[what] += count
}

func (p *play) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.count(what, 1)
}

// checkAll fails when something never happened: then the play proves less than it says.
func (t *tally) checkAll(tb testing.TB) {
	wanted := []string{
		"an older attempt goes back", "bad authorise", "bad cancel", "bad return", "bad capture", "bad commit", "bad find", "burst", "cancel", "cancel of a part", "forged",
		"given back", "throttled", "lapsed", "refund", "refund of a part", "a part is unpaid", "a part is spared", "a part is returned", "a part sent once more", "refunded because it lapsed", "sale cancelled", "two lead", "webhook", "wrong word",
		"called out of the line", "ended in the line",
		"sent once more", "sent to authenticate", "authenticated", "another card",
		"pay: ok paid", "pay: ok reserved", "pay: payment_in_flight paying", "pay: already_paid paid", "pay: session_expired expired",
	}
	for _, step := range payment.Steps() {
		wanted = append(wanted, "died at "+string(step), "deposed at "+string(step))
	}
	for _, what := range wanted {
		if t.counts[what] == 0 {
			tb.Errorf("never: %s", what)
		}
	}
}
