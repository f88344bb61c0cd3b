package export

import (
	"onsale/audit/follow"
	"onsale/sequencer"
)

type attemptKey struct {
	order  uint64
	number uint8
}

// attempt is what decisions have said of an attempt to pay.
type attempt struct {
	sale                               string
	state                              string
	reason                             any
	amount                             int64
	currency                           string
	account                            any
	begun, decided, captured, returned int64
}

// The states of an attempt.
const (
	attemptBegun        = "begun"
	attemptAccepted     = "accepted"
	attemptRejected     = "rejected"
	attemptCancelled    = "cancelled"
	attemptCaptured     = "captured"
	attemptReturned     = "returned"      // its money went back, all of it
	attemptVoided       = "voided"        // its money was never taken
	attemptRefundFailed = "refund_failed" // it did not go back: it is due again, or a seller must see to it
)

// bookAttempts books what a block says of attempts.
func (b *Books) bookAttempts(block *follow.Block) {
	for i := range block.Decisions.Results {
		c, r := &block.Batch.Commands[i], &b.decided.Results[i]
		if r.Replayed || r.Order == 0 || r.Code != sequencer.CodeOK && r.Code != sequencer.CodeLateSuccess {
			continue
		}
		if number := attemptOf(c, r); number != 0 {
			b.bookAttempt(attemptKey{r.Order, number}, c, block.Decisions.Time)
		}
	}
}

// attemptOf returns the attempt that a command is about, 0 for none.
func attemptOf(c *sequencer.Command, r *sequencer.Result) uint8 {
	switch c.Kind {
	case sequencer.KindPayBegin:
		return r.Attempt
	case sequencer.KindPayResult, sequencer.KindPayCaptured, sequencer.KindPayVoided, sequencer.KindPayBounced, sequencer.KindSettle:
		if c.Part == 0 { // a part's money is in the ledger
			return c.Attempt
		}
	}
	return 0
}

func (b *Books) bookAttempt(key attemptKey, c *sequencer.Command, now int64) {
	a := b.attempts[key]
	if a == nil {
		v, _ := b.state.Order(key.order)
		sale, _ := b.state.Sale(v.Sale)
		a = &attempt{sale: v.SaleID, state: attemptBegun, currency: sale.Currency, account: text(b.state.AccountOf(key.order, key.number)), begun: now, amount: c.Amount}
		b.attempts[key] = a
	}
	a.step(c, now)
	b.rows.Put(Payments, Row{int64(key.order), int64(key.number), a.sale, a.state, a.reason, a.amount, a.currency, a.account,
		instant(a.begun), instant(a.decided), instant(a.captured), instant(a.returned)})
}

// step books one decision about the attempt.
func (a *attempt) step(c *sequencer.Command, now int64) {
	switch c.Kind {
	case sequencer.KindPayResult, sequencer.KindSettle:
		a.settle(c, now)
	case sequencer.KindPayCaptured:
		a.state, a.captured = attemptCaptured, now
	case sequencer.KindPayVoided:
		a.state, a.returned = attemptVoided, now
		if c.Outcome == sequencer.PayRefunded {
			a.state = attemptReturned
		}
	case sequencer.KindPayBounced:
		a.state, a.reason, a.returned = attemptRefundFailed, reason(c.Reason), 0
	}
}

func (a *attempt) settle(c *sequencer.Command, now int64) {
	if a.decided == 0 {
		a.decided = now
	}
	switch c.Outcome {
	case sequencer.PayAccepted:
		a.state = attemptAccepted
		if c.Kind == sequencer.KindSettle {
			a.state, a.captured = attemptCaptured, now
		}
	case sequencer.PayRejected:
		a.state, a.reason = attemptRejected, reason(c.Reason)
	case sequencer.PayCancelled:
		a.state = attemptCancelled
	case sequencer.PayRefunded:
		a.state, a.returned = attemptReturned, now
	}
}
