package api

import (
	"errors"
	"fmt"

	"onsale/api/contract"
	"onsale/internal/amount"
	"onsale/sequencer"
)

// acceptAccount answers POST /v1/payments/account: new charges are made under another account at
// the payment provider from now on.
func (p *Private) acceptAccount(x *exchange) error {
	var wanted contract.AccountToAccept
	if err := x.decode(&wanted); err != nil {
		return err
	}
	if !sequencer.ValidAccount([]byte(wanted.Account)) {
		return contract.BadParameter("account", fmt.Sprintf("account must be 1 to %d printable ASCII characters, as a reconciliation names it", sequencer.AccountBytesMax))
	}
	if !isReason(wanted.Reason) {
		return badReason()
	}
	if _, err := p.decide(x, &sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte(wanted.Account), Body: []byte(wanted.Reason)}); err != nil {
		return err
	}
	return x.ok(contract.Account{Account: wanted.Account})
}

// settle answers POST /v1/orders/{uid}/settle: what an operator knows of money that was charged
// under an account which nobody can ask any more.
func (p *Private) settle(x *exchange) error {
	var wanted contract.Settlement
	if err := x.decode(&wanted); err != nil {
		return err
	}
	outcome, known := contract.OutcomeAs(wanted.As)
	if !known {
		return contract.BadParameter("as", "as must be captured, not_charged or refunded")
	}
	switch moved := outcome != sequencer.PayCancelled; {
	case moved && wanted.Amount < 1:
		return contract.BadParameter("amount", "amount is missing: how much was captured, or is back, in minor units")
	case !moved && wanted.Amount != 0:
		return contract.BadParameter("amount", "an attempt that was not charged has no amount")
	case wanted.Part != 0 && outcome != sequencer.PayRefunded:
		return contract.BadParameter("part", "only what is refunded has parts")
	}
	return p.word(x, &sequencer.Command{Kind: sequencer.KindSettle, Attempt: wanted.Attempt, Part: wanted.Part, Outcome: outcome,
		Amount: wanted.Amount, Body: []byte(wanted.Reason)})
}

// word decides what somebody says of money of the order that the path names, and answers with the
// order as it is then.
func (p *Private) word(x *exchange, c *sequencer.Command) error {
	if c.Attempt == 0 {
		return contract.BadParameter("attempt", "attempt is missing: the number of the attempt to pay, from 1")
	}
	if !isReason(string(c.Body)) {
		return badReason()
	}
	view, err := p.order(x)
	if err != nil {
		return err
	}
	c.Order = view.Seq
	result, err := p.decide(x, c)
	after, unseen := p.orderAt(x, view.Seq, result.Seq)
	switch {
	case err != nil && result.Seq != 0 && unseen == nil:
		return p.explain(err, &after, c)
	case err != nil:
		return err
	case unseen != nil:
		showDecided(&view, &result)
		after = view
	}
	return x.ok(contract.OrderIn(p.number(), &after))
}

// explain says in a refusal of a word what is so.
func (p *Private) explain(err error, is *sequencer.OrderView, c *sequencer.Command) error {
	problem, refused := errors.AsType[*contract.Problem](err)
	if !refused {
		return err
	}
	sale, known := p.backend.SaleByID(is.SaleID)
	switch {
	case c.Attempt > is.Attempts || int(c.Part) > len(is.Parts):
		problem.Detail = fmt.Sprintf("the order is %s, with %d attempts to pay and %d parts", is.State, is.Attempts, len(is.Parts))
	case errors.Is(err, contract.ErrStaleAttempt):
		problem.Detail = fmt.Sprintf("the order is %s, and its newest attempt to pay is %d", is.State, is.Attempts)
	case known && errors.Is(err, contract.ErrAmountMismatch):
		problem.Detail = fmt.Sprintf("the order is %s, and that is not %s but %s", is.State,
			amount.Money(c.Amount, sale.Currency), amount.Money(sale.Price*meant(is, c), sale.Currency))
	}
	return problem
}

// meant is of how many tickets a word about an order's money must be.
func meant(is *sequencer.OrderView, c *sequencer.Command) int64 {
	switch {
	case c.Part != 0:
		return int64(is.Parts[c.Part-1].Quantity)
	case c.Outcome == sequencer.PayRefunded:
		return is.RestOf(c.Attempt)
	case is.Captured:
		return is.TakenTickets()
	case is.CaptureDue:
		return int64(is.Quantity)
	}
	return is.TicketsOf(c.Attempt)
}
