package naive

import (
	"strings"
	"unicode/utf8"

	"onsale/sequencer"
)

// isAccount reports whether a text can name an account at the provider.
func isAccount(text string) bool {
	return text != "" && len(text) <= 64 && !strings.ContainsFunc(text, func(c rune) bool { return c < '!' || c > '~' })
}

func isNote(text []byte) bool { return len(text) >= 1 && len(text) <= 200 && utf8.Valid(text) }

// know remembers an account; false when there are too many.
func (m *Model) know(account string) bool {
	m.accounts[account] = true
	if len(m.accounts) > 64 {
		delete(m.accounts, account)
		return false
	}
	return true
}

// mayCharge says whether an attempt may be charged under an account.
func (m *Model) mayCharge(account string) sequencer.Code {
	switch {
	case m.account == account:
		return sequencer.CodeOK
	case m.account != "":
		return sequencer.CodeOtherAccount
	case !m.know(account):
		return sequencer.CodeAccountLimit
	}
	m.account = account
	return sequencer.CodeOK
}

// accept is an operator's word that new charges are made under an account.
func (m *Model) accept(c *sequencer.Command, r *sequencer.Result) {
	switch account := string(c.Reference); {
	case !isAccount(account) || !isNote(c.Body):
		r.Code = sequencer.CodeBadRequest
	case !m.know(account):
		r.Code = sequencer.CodeAccountLimit
	default:
		m.account = account
	}
}

// byHand is an operator's word on one amount of money about which the accepted account knows
// nothing. Said again, it is so already.
func (m *Model) byHand(c *sequencer.Command, r *sequencer.Result) {
	moved := c.Outcome == sequencer.PayAccepted || c.Outcome == sequencer.PayRefunded
	sensible := isNote(c.Body) && (moved && c.Amount > 0 || c.Outcome == sequencer.PayCancelled && c.Amount == 0)
	if c.Part > 0 && c.Outcome != sequencer.PayRefunded {
		sensible = false
	}
	m.tried(c, r, sensible, func(o *order) sequencer.Code {
		if c.Part > 0 && int(c.Part) > len(o.parts) && o.sale.spec.Price > 0 {
			return sequencer.CodeBadRequest
		}
		if o.sale.spec.Price == 0 {
			return sequencer.CodeNotUnsettled
		}
		switch {
		case c.Outcome == sequencer.PayAccepted:
			return m.takenByHand(o, c)
		case c.Outcome == sequencer.PayCancelled:
			return m.untakenByHand(o, c.Attempt)
		}
		return m.backByHand(o, c)
	})
}

// mayAsk reports whether the provider can be asked about an attempt.
func (m *Model) mayAsk(o *order, attempt uint8) bool { return o.accounts[attempt] == m.account }

// moneyCame reports whether an attempt that ended took money, wherever that is now.
func (o *order) moneyCame(attempt uint8) bool {
	bit := uint32(1) << (attempt - 1)
	paid := o.state == sequencer.StatePaid || o.state == sequencer.StateRefunded
	return o.voidsDue&bit > 0 || o.voided&bit > 0 || o.bounced[attempt].over || paid && attempt == o.attempts
}

func (m *Model) untakenByHand(o *order, attempt uint8) sequencer.Code {
	if o.state == sequencer.StatePaying && attempt == o.attempts {
		if m.mayAsk(o, attempt) {
			return sequencer.CodeAccountInUse
		}
		return m.settle(o, sequencer.PayCancelled, sequencer.ReasonNone)
	}
	if o.moneyCame(attempt) {
		return sequencer.CodeNotUnsettled
	}
	return sequencer.CodeOK
}

func (m *Model) takenByHand(o *order, c *sequencer.Command) sequencer.Code {
	if c.Attempt < o.attempts {
		return sequencer.CodeStaleAttempt
	}
	charged := c.Amount == o.charged(c.Attempt)
	switch {
	case o.captured && c.Amount == o.took():
		return sequencer.CodeOK
	case o.captured:
		return sequencer.CodeAmountMismatch
	case o.state == sequencer.StateCancelled && (o.voidsDue|o.voided)>>(c.Attempt-1)&1 == 1:
		if charged {
			return sequencer.CodeLateSuccess
		}
		return sequencer.CodeAmountMismatch
	case o.state != sequencer.StatePaying && !o.uncaptured:
		return sequencer.CodeNotUnsettled
	case m.mayAsk(o, c.Attempt):
		return sequencer.CodeAccountInUse
	case o.state == sequencer.StatePaying && !charged:
		return sequencer.CodeAmountMismatch
	case o.state == sequencer.StatePaying:
		if code := m.settle(o, sequencer.PayAccepted, sequencer.ReasonNone); code != sequencer.CodeOK {
			return code
		}
	}
	if !o.spare(c.Amount) {
		return sequencer.CodeAmountMismatch
	}
	o.uncaptured, o.captured = false, true
	return sequencer.CodeOK
}

// charged is what an attempt was to take.
func (o *order) charged(attempt uint8) int64 {
	tickets := int64(o.quantity)
	for i := range o.parts {
		if o.parts[i].Attempts >= attempt {
			tickets += int64(o.parts[i].Quantity)
		}
	}
	return tickets * o.sale.spec.Price
}

// took is what was captured.
func (o *order) took() int64 {
	amount := o.charged(o.attempts)
	for i := range o.parts {
		if o.parts[i].State == sequencer.PartSpared {
			amount -= int64(o.parts[i].Quantity) * o.sale.spec.Price
		}
	}
	return amount
}

func (m *Model) backByHand(o *order, c *sequencer.Command) sequencer.Code {
	bit := uint32(1) << (c.Attempt - 1)
	due, back, amount := o.voidsDue&bit > 0, o.voided&bit > 0, o.charged(c.Attempt)
	if c.Part > 0 {
		if c.Attempt < o.attempts {
			return sequencer.CodeStaleAttempt
		}
		p := &o.parts[c.Part-1]
		due, back = p.State == sequencer.PartDue && o.captured && o.state == sequencer.StatePaid, p.State == sequencer.PartReturned
		amount = int64(p.Quantity) * o.sale.spec.Price
	} else if c.Attempt == o.attempts {
		amount = o.took() - o.returnedParts()
	}
	switch {
	case !due && !back:
		return sequencer.CodeNotUnsettled
	case due && m.mayAsk(o, c.Attempt):
		return sequencer.CodeAccountInUse
	case c.Amount != amount:
		return sequencer.CodeAmountMismatch
	case due && c.Part > 0:
		o.parts[c.Part-1].State = sequencer.PartReturned
	case due:
		o.voidsDue, o.voided = o.voidsDue-bit, o.voided|bit
	}
	return sequencer.CodeOK
}

// returnedParts is the money of parts that is back.
func (o *order) returnedParts() (amount int64) {
	for i := range o.parts {
		if o.parts[i].State == sequencer.PartReturned {
			amount += int64(o.parts[i].Quantity) * o.sale.spec.Price
		}
	}
	return amount
}

// Account is sequencer.State.Account.
func (m *Model) Account() string { return m.account }

// AccountOf is sequencer.State.AccountOf.
func (m *Model) AccountOf(seq uint64, attempt uint8) string {
	if o := m.orderOf(seq); o != nil {
		return o.accounts[attempt]
	}
	return ""
}
