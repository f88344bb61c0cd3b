package audit

import "onsale/sequencer"

// bookedAccount says that attempts from one on are charged under an account.
type bookedAccount struct {
	from    uint8
	account string
}

// accountOf returns under which account an attempt is charged; "" for none.
func (o *bookedOrder) accountOf(attempt uint8) (account string) {
	for i := range o.accounts {
		if o.accounts[i].from <= attempt {
			account = o.accounts[i].account
		}
	}
	return account
}

// charged books under which account an attempt that begins is charged: the first that there ever
// was, or the one that an operator accepted since.
func (l *Ledger) charged(o *bookedOrder, c *sequencer.Command) {
	account := string(c.Reference)
	free := o.sale.spec.Price == 0
	if !free && l.account == "" {
		l.account = account
	}
	if free != (account == "") || !free && account != l.account {
		l.findings.report(checkAccount, o.seq, l.account, account)
	}
	if !free && o.accountOf(o.attempts) != account {
		o.accounts = append(o.accounts, bookedAccount{o.attempts, account})
	}
}

// byHand books what an operator said of an order's money, which the accepted account cannot be
// asked about.
func (l *Ledger) byHand(o *bookedOrder, c *sequencer.Command, r *sequencer.Result) {
	l.free(o, r)
	if c.Outcome == sequencer.PayRefunded {
		l.backByHand(o)
		return
	}
	captures := c.Outcome == sequencer.PayAccepted
	due := o.state == sequencer.StatePaying || captures && o.state == sequencer.StatePaid && !o.captured
	l.mayByHand(o, due && o.accountOf(o.attempts) != l.account)
	said := sequencer.Command{Kind: c.Kind, Order: c.Order, Attempt: o.attempts, Outcome: c.Outcome}
	l.settle(o, &said, r)
	if captures && o.state == sequencer.StatePaid && !o.captured {
		l.tookMoney(o, o.sale.spec.Price*int64(o.quantity))
	}
}

// mayByHand reports what no operator may say, because it is not due, or can be asked.
func (l *Ledger) mayByHand(o *bookedOrder, may bool) {
	if !may {
		l.findings.report(checkByHand, o.seq, "due, and not under "+l.account, o.state.String()+" under "+o.accountOf(o.attempts))
	}
}

// backByHand books that all is back that had to go, and could not be asked about.
func (l *Ledger) backByHand(o *bookedOrder) {
	elsewhere := false
	for attempt := uint8(1); attempt <= o.attempts; attempt++ {
		elsewhere = elsewhere || o.accountOf(attempt) != l.account
	}
	l.mayByHand(o, elsewhere)
	if !o.captured || o.accountOf(o.attempts) == l.account {
		return
	}
	said := sequencer.Command{Attempt: o.attempts, Outcome: sequencer.PayRefunded}
	if o.state == sequencer.StateRefunded {
		if o.money.rest == 0 && !o.bounced[refundOf{attempt: o.attempts}].over {
			l.gaveMoney(o, &said)
		}
		return
	}
	for i := range o.money.parts {
		said.Part = uint8(i + 1)
		if part := &o.money.parts[i]; part.paid && !part.spared && !part.back && !o.bounced[refundOf{o.attempts, said.Part}].over {
			l.gaveMoney(o, &said)
		}
	}
}
