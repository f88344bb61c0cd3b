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

// byHand is an operator's word on money about which the accepted account knows nothing.
func (m *Model) byHand(c *sequencer.Command, r *sequencer.Result) {
	captured, nothing, back := c.Outcome == sequencer.PayAccepted, c.Outcome == sequencer.PayCancelled, c.Outcome == sequencer.PayRefunded
	if !isNote(c.Body) || !captured && !nothing && !back {
		r.Code = sequencer.CodeBadRequest
		return
	}
	o := m.orderOf(c.Order)
	if o == nil {
		r.Code = sequencer.CodeUnknownOrder
		return
	}
	newest := o.accounts[o.attempts] // "" for what costs nothing
	switch {
	case back:
		r.Code = m.backByHand(o)
	case newest == "", o.state != sequencer.StatePaying && !(captured && o.uncaptured):
		r.Code = sequencer.CodeNotUnsettled
	case newest == m.account:
		r.Code = sequencer.CodeAccountInUse
	case nothing:
		r.Code = m.settle(o, sequencer.PayCancelled, sequencer.ReasonNone)
	default:
		if o.state == sequencer.StatePaying {
			r.Code = m.settle(o, sequencer.PayAccepted, sequencer.ReasonNone)
		}
		if o.uncaptured {
			o.spare(int64(o.quantity) * o.sale.spec.Price)
			o.uncaptured, o.captured = false, true
		}
	}
	m.show(o, r)
}

func (m *Model) backByHand(o *order) sequencer.Code {
	code := sequencer.CodeNotUnsettled
	for attempt := o.attempts; attempt >= 1; attempt-- {
		bit := uint32(1) << (attempt - 1)
		if o.voidsDue&bit == 0 {
			continue
		}
		if o.accounts[attempt] != m.account {
			o.voidsDue, o.voided, code = o.voidsDue-bit, o.voided|bit, sequencer.CodeOK
		} else if code != sequencer.CodeOK {
			code = sequencer.CodeAccountInUse
		}
	}
	if o.state != sequencer.StatePaid || !o.captured || !o.isPartDue() {
		return code
	}
	if o.accounts[o.attempts] == m.account {
		if code == sequencer.CodeNotUnsettled {
			code = sequencer.CodeAccountInUse
		}
		return code
	}
	for i := range o.parts {
		if o.parts[i].State == sequencer.PartDue {
			o.parts[i].State = sequencer.PartReturned
		}
	}
	return sequencer.CodeOK
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
