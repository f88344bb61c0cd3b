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

// byHand books what an operator said of an attempt's money, which the accepted account cannot be
// asked about, or which was so before.
func (l *Ledger) byHand(o *bookedOrder, c *sequencer.Command, r *sequencer.Result) {
	l.free(o, r)
	elsewhere := o.accountOf(c.Attempt) != l.account
	newest := c.Attempt == o.attempts
	paying := newest && o.state == sequencer.StatePaying
	due := paying || newest && o.state == sequencer.StatePaid && !o.captured
	switch c.Outcome {
	case sequencer.PayRefunded:
		l.backByHand(o, c, elsewhere)
	case sequencer.PayCancelled:
		l.mayByHand(o, c, paying && elsewhere || !paying && !o.tookFrom(c.Attempt))
		l.settle(o, c, r)
	default:
		l.mayByHand(o, c, due && elsewhere || newest && o.captured && c.Amount == o.money.taken)
		l.settle(o, c, r)
		if due && o.state == sequencer.StatePaid {
			l.tookMoney(o, c.Amount)
		}
	}
}

// mayByHand reports what no operator may say, because it is not so, or can be asked.
func (l *Ledger) mayByHand(o *bookedOrder, c *sequencer.Command, may bool) {
	if !may {
		l.findings.report(checkByHand, o.seq, "due, and not under "+l.account, o.state.String()+" under "+o.accountOf(c.Attempt), c.Amount, c.Attempt)
	}
}

// backByHand books that what had to go of an attempt is back, or of a part.
func (l *Ledger) backByHand(o *bookedOrder, c *sequencer.Command, elsewhere bool) {
	told, tickets := o.gone&(1<<(c.Attempt-1)) != 0, o.restOf(c.Attempt)
	if c.Part > 0 {
		part := o.part(c.Part)
		if part == nil || c.Attempt != o.attempts {
			l.mayByHand(o, c, false)
			return
		}
		told, tickets = part.back, part.tickets
	}
	l.mayByHand(o, c, (told || elsewhere) && c.Amount == o.sale.spec.Price*tickets)
	if !told {
		l.gaveMoney(o, c)
		o.gaveBack(c)
	}
}

// restOf returns for how many tickets an attempt took money that had to go back with all of it.
func (o *bookedOrder) restOf(attempt uint8) int64 {
	if o.captured && attempt == o.attempts {
		return max(o.owedTickets(), o.money.rest)
	}
	tickets := int64(o.quantity)
	for i := range o.money.parts {
		if o.money.parts[i].attempts >= attempt {
			tickets += o.money.parts[i].tickets
		}
	}
	return tickets
}

// gaveBack books that all money of an attempt went back, or was never taken.
func (o *bookedOrder) gaveBack(c *sequencer.Command) {
	if c.Part == 0 {
		o.came |= 1 << (c.Attempt - 1)
		o.gone |= 1 << (c.Attempt - 1)
	}
}

// tookFrom reports whether an attempt that ended took money.
func (o *bookedOrder) tookFrom(attempt uint8) bool {
	paid := o.state == sequencer.StatePaid || o.state == sequencer.StateRefunded
	return o.came&(1<<(attempt-1)) != 0 || paid && attempt == o.attempts
}
