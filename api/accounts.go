package api

import (
	"fmt"

	"onsale/api/contract"
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
	if !isReason(wanted.Reason) {
		return badReason()
	}
	view, err := p.order(x)
	if err != nil {
		return err
	}
	result, err := p.decide(x, &sequencer.Command{Kind: sequencer.KindSettle, Order: view.Seq, Outcome: outcome, Body: []byte(wanted.Reason)})
	if err != nil {
		return err
	}
	if after, err := p.orderAt(x, view.Seq, result.Seq); err == nil { // it says what becomes of the money
		view = after
	} else {
		showDecided(&view, &result)
	}
	return x.ok(contract.OrderIn(p.number(), &view))
}
