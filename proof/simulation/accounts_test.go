package simulation

import (
	"math/bits"
	"strconv"
	"strings"

	"onsale/payment"
	"onsale/sequencer"
	"onsale/sequencer/scenario"
)

// The provider has accounts, each with books of its own, and the desks have the key of one of
// them at a time. Another account has never heard of what was charged before. Which key the
// desks have changes and changes back at any time; an operator accepts the account for new
// charges, or not, and says what became of money under one whose key may never come back.

// accountNames are the accounts that the desks have keys of, by number.
var accountNames = [...]string{scenario.Account, "sandbox/test/b", "sandbox/test/c"}

// strangerPrefix begins the names of accounts that an operator accepts, and nobody has a key of.
const strangerPrefix = "sandbox/test/x"

func accountName(number uint8) string {
	if int(number) < len(accountNames) {
		return accountNames[number]
	}
	return strangerPrefix + strconv.Itoa(int(number))
}

// attemptKey returns what an attempt is known by at the provider, and false for one that costs nothing.
func attemptKey(account string, order uint64, attempt uint8) (key chargeKey, costs bool) {
	for number, name := range accountNames {
		if name == account {
			return chargeKey{uint8(number), order, attempt}, true
		}
	}
	if account == "" {
		return chargeKey{}, false
	}
	number, _ := strconv.ParseUint(strings.TrimPrefix(account, strangerPrefix), 10, 8)
	return chargeKey{uint8(number), order, attempt}, true
}

// chargeOf returns what a replica knows an attempt by at the provider, and whether the desks may
// ask about it: those of another account are none of theirs. It is free when it costs nothing.
func (w *world) chargeOf(r *replica, order uint64, attempt uint8) (key chargeKey, here, free bool) {
	key, costs := attemptKey(r.machine.AccountOf(order, attempt), order, attempt)
	if costs && w.bug != nil && w.bug.askAnyone {
		key.account = w.provider.here
	}
	return key, !costs || key.account == w.provider.here, !costs
}

// isMoved reports whether the desks have the key of an account that is not accepted.
func (w *world) isMoved() bool {
	if w.leader == nil {
		return false
	}
	accepted := w.leader.machine.Account()
	return accepted != "" && accepted != w.provider.account()
}

// changeKey gives the desks the key of an account.
func (w *world) changeKey(to uint8) {
	if to != w.provider.here {
		w.provider.here = to
		w.seen.KeysChanged++
	}
}

// beginUnder returns under which account the leader's desk begins an attempt; false when it
// refuses to. unsaid says that the provider cannot be asked which account it is.
func (w *world) beginUnder(amount int64, unsaid bool) (account []byte, begins bool) {
	if amount <= 0 {
		return nil, true
	}
	accepted := ""
	if w.leader != nil {
		accepted = w.leader.machine.Account()
	}
	switch {
	case accepted == "" || accepted == w.provider.account():
		return []byte(w.provider.account()), true
	case unsaid:
		w.seen.BegunElsewhere++
		return []byte(accepted), true
	}
	w.seen.BeginsRefused++
	return nil, false
}

// handWord is an operator's word on the money of an order, by the books of its account: of the newest
// attempt while that has no end, else of the first return that is due, mostly one that nobody can ask about.
func (w *world) handWord(r *replica, order uint64) (c sequencer.Command, known bool) {
	v, known := r.machine.Order(order)
	if !known || v.Attempts == 0 {
		return c, false
	}
	c = sequencer.Command{Kind: sequencer.KindSettle, Order: order, Attempt: v.Attempts, Outcome: sequencer.PayRefunded, Body: []byte("on their statement")}
	price := w.sales[v.Sale-1].price
	if account := r.machine.AccountOf(order, v.Attempts); v.State == sequencer.StatePaying || v.CaptureDue && account != r.machine.Account() {
		key, _ := attemptKey(account, order, v.Attempts)
		c.Outcome = sequencer.PayCancelled
		if phase := w.provider.find(key).Phase; phase == payment.Authorised || phase == payment.Captured {
			c.Outcome, c.Amount = sequencer.PayAccepted, price*int64(v.Quantity)
		}
		return c, true
	}
	c.Amount = price * dueBack(r, &v, &c)
	return c, true
}

// dueBack fills in which return a word is about, and says of how many tickets.
func dueBack(r *replica, v *sequencer.OrderView, c *sequencer.Command) (tickets int64) {
	due := v.VoidsDue
	for attempt := uint8(1); attempt <= v.Attempts; attempt++ {
		if bit := uint32(1) << (attempt - 1); due&bit != 0 && r.machine.AccountOf(v.Seq, attempt) != r.machine.Account() {
			due = bit
		}
	}
	if due != 0 {
		c.Attempt = uint8(bits.TrailingZeros32(due)) + 1
		return v.RestOf(c.Attempt)
	}
	for i := range v.Parts {
		if v.Parts[i].State == sequencer.PartDue {
			c.Part = uint8(i + 1)
			return int64(v.Parts[i].Quantity)
		}
	}
	return v.RestOf(c.Attempt) // nothing is due
}

// keepWord makes the books what an operator said, when that is decided, be it told late and again:
// who says it takes the money at the provider, lets the charge go there, or gives the money back.
func (w *world) keepWord(r *replica, c *sequencer.Command, d *sequencer.Result) {
	if c.Kind != sequencer.KindSettle || d.Code != sequencer.CodeOK && d.Code != sequencer.CodeLateSuccess {
		return
	}
	key, costs := attemptKey(r.machine.AccountOf(d.Order, c.Attempt), d.Order, c.Attempt)
	switch {
	case c.Outcome == sequencer.PayRefunded:
		w.returnByHand(r, d.Order)
		w.seen.ByHandReturned++
	case costs && c.Outcome == sequencer.PayAccepted:
		w.provider.captureByHand(key, c.Amount)
		w.seen.ByHandCaptured++
	case costs:
		v, _ := r.machine.Order(d.Order)
		w.provider.cancel(key, w.sales[d.Sale-1].price*v.TicketsOf(c.Attempt))
		w.seen.ByHandNothing++
	}
}

// returnByHand gives back at the provider what an operator says is back: all that the log has so,
// and the books have not.
func (w *world) returnByHand(r *replica, order uint64) {
	v, _ := r.machine.Order(order)
	for attempt := uint8(1); attempt <= v.Attempts; attempt++ {
		if key, costs := attemptKey(r.machine.AccountOf(order, attempt), order, attempt); costs && v.Voided&(1<<(attempt-1)) != 0 {
			w.provider.giveBack(key, sequencer.RefundsMax)
		}
	}
	key, costs := attemptKey(r.machine.AccountOf(order, v.Attempts), order, v.Attempts)
	for i, part := range v.Parts {
		if costs && v.State == sequencer.StatePaid && part.State == sequencer.PartReturned && !w.provider.isBack(key, uint8(i+1)) {
			w.provider.returnPart(key, payment.Part{Number: uint8(i + 1), Refund: sequencer.RefundsMax, Amount: w.sales[v.Sale-1].price * int64(part.Quantity)})
		}
	}
}

// isBack reports whether the books have that a part went back.
func (p *provider) isBack(key chargeKey, part uint8) bool {
	c := p.charges[key]
	return c != nil && c.part(part) != nil && c.part(part).Back
}

// noteFailure fills in of which return that failed a seller takes note: one that the leader shows.
func (w *world) noteFailure(c *sequencer.Command) {
	if c.Attempt = 1; w.leader == nil {
		return
	}
	v, _ := w.leader.machine.Order(c.Order)
	c.Attempt = max(1, v.Attempts)
	if v.Failed != 0 {
		c.Attempt = uint8(bits.TrailingZeros32(v.Failed)) + 1
		return
	}
	for i := range v.Parts {
		if v.Parts[i].State == sequencer.PartFailed {
			c.Part = uint8(i + 1)
		}
	}
}

// captureByHand takes the money of a charge on the provider's page, and gives back what was taken beyond it.
func (p *provider) captureByHand(key chargeKey, amount int64) {
	c := p.charge(key, amount)
	if c.Phase != payment.Captured && c.Phase != payment.Refunded {
		c.Phase, c.captured = payment.Captured, amount
	}
	c.refunded = max(c.refunded, c.captured-amount)
}

// settleAtLast lets an order be settled by whoever can: the desk, which has the key of the
// account again under which the money is that it would look at first, or an operator.
func (w *world) settleAtLast(v *sequencer.OrderView) error {
	r, attempt := w.leader, v.Attempts
	if v.State != sequencer.StatePaying && !v.CaptureDue && v.VoidsDue != 0 {
		attempt = uint8(bits.TrailingZeros32(v.VoidsDue)) + 1
	}
	account := r.machine.AccountOf(v.Seq, attempt)
	if account != "" && account != r.machine.Account() && v.Seq%4 == 0 {
		if c, known := w.handWord(r, v.Seq); known {
			r.queue(c)
			return nil
		}
	}
	if key, costs := attemptKey(account, v.Seq, attempt); costs {
		w.changeKey(key.account)
	}
	return w.settleOrder(r, v, false, true)
}

// Drawing.

// moves says whether a seed's provider changes its account; names, whether so many accounts are
// accepted that there is room for none more. The others are played as if there was one account.
func movesOf(seed uint64) (moves, names bool) { return seed%3 == 0, seed%30 == 0 }

// account changes the key, and may have the new account accepted before, at once, or later.
func (g *generator) account() {
	to := g.upTo(len(accountNames))
	accept := func() { g.push(verbAccept, g.id(), to) }
	if g.oneIn(4) {
		accept()
		g.payBegin() // under the one of before
	}
	g.push(verbKey, to)
	for range g.upTo(3) {
		g.payBegin()
	}
	if g.oneIn(3) {
		accept()
		g.commit()
	}
}

// backToBusiness has the account accepted whose key the desks have, or brings the key back.
func (g *generator) backToBusiness() {
	if g.oneIn(2) {
		g.push(verbAccept, g.id(), int32(g.world.provider.here))
		g.commit()
		return
	}
	if key, _ := attemptKey(g.world.leader.machine.Account(), 0, 0); int(key.account) < len(accountNames) {
		g.push(verbKey, int32(key.account))
	}
}

// manyAccounts accepts more accounts than a cluster may have, and one that is charged under again.
func (g *generator) manyAccounts() {
	for i := range int32(sequencer.AccountsMax + 1) {
		g.push(verbAccept, g.id(), 100+i)
	}
	g.commit()
	g.push(verbAccept, g.id(), int32(g.world.provider.here))
	g.commit()
}

// elsewhereID is one of the newest buys, mostly one with money under an account that is not accepted.
func (g *generator) elsewhereID() (id int32) {
	for range 32 {
		id = g.buyID()
		q := g.world.request(int(id))
		if g.world.leader == nil || q == nil {
			continue
		}
		m := g.world.leader.machine
		v, known := m.Order(q.result.Order)
		unsettled := v.State == sequencer.StatePaying || v.CaptureDue || v.VoidsDue != 0 || v.PartTickets(sequencer.PartDue) > 0
		if known && unsettled && m.AccountOf(v.Seq, v.Attempts) != m.Account() {
			break
		}
	}
	return id
}
