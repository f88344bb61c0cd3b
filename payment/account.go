package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"onsale/sequencer"
)

// A charge is of the account under which it was begun, which the log says. Another account has
// never heard of it: asked, it would call the money back that it never had, or let an attempt go
// that has taken some. So a provider is asked about the charges of its own account alone. What
// is under another one stays as it is, and is told (a metric, the reconciliation), until some
// process has that account's key again, or an operator says what became of the money
// (sequencer.KindSettle). New charges are made under the account that the log accepts.
//
// Books that are lost are another account: a sandbox draws an id when it begins its books.

// ours returns ErrOtherAccount when a charge is of another account than the provider's, which
// is not asked then.
func (m *meteredProvider) ours(ctx context.Context, c *Charge) error {
	account, err := m.account(ctx, c.Order)
	if err == nil && account != c.Account {
		err = otherAccount(c.Account, account)
	}
	return err
}

func otherAccount(wanted, account string) error {
	return fmt.Errorf("%w: it is of %s, the provider here is %s", ErrOtherAccount, wanted, account)
}

// account returns the provider's account. Only what failed is a call that counts: an account
// that is known is not asked for. order is of whom it is asked, "" for none.
func (m *meteredProvider) account(ctx context.Context, order string) (string, error) {
	began := time.Now()
	account, err := m.Account(ctx)
	if err != nil {
		m.note(callAccount, order, began, err)
		return "", fmt.Errorf("its account: %w", err)
	}
	m.known.Store(&account)
	return account, nil
}

// accountKnown is what is known of the provider's account without asking.
type accountKnown struct {
	known  atomic.Pointer[string]
	asking atomic.Bool
}

// knownAccount returns the provider's account as it was told last, "" before that, and lets it be
// asked beside the caller.
func (d *Desk) knownAccount() string {
	if d.provider == nil {
		return ""
	}
	m := &d.metered
	if m.asking.CompareAndSwap(false, true) {
		d.finished.Go(func() {
			defer m.asking.Store(false)
			ctx, cancel := context.WithTimeout(d.stop, d.config.CallTimeout)
			defer cancel()
			_, _ = m.account(ctx, "") // noted there
		})
	}
	if known := m.known.Load(); known != nil {
		return *known
	}
	return ""
}

// isElsewhere reports whether a charge is of another account than the provider's, as far as that
// is known.
func (d *Desk) isElsewhere(c *Charge) bool {
	known := d.metered.known.Load()
	return c.Amount > 0 && known != nil && c.Account != *known
}

// accounts counts what cannot go on because of accounts, in one look at all that is unsettled.
type accounts struct {
	here, accepted string // "" for not known, and none yet
	orders         int64  // with money under another account than the one here
}

// accountsNow returns the accounts of now, of nothing yet.
func (d *Desk) accountsNow() (a accounts) {
	a.here = d.knownAccount()
	d.node.Read(func(s sequencer.Reader) { a.accepted = s.Account() })
	return a
}

// note counts an unsettled order, and reports whether all that is unsettled of it is of another
// account than the one here.
func (a *accounts) note(s sequencer.Reader, v *sequencer.OrderView) (stranded bool) {
	here, elsewhere := false, false
	for number := uint8(1); number <= v.Attempts && a.here != ""; number++ {
		if !isUnsettled(v, number) {
			continue
		}
		account := s.AccountOf(v.Seq, number)
		if account == "" || account == a.here {
			here = true
		} else {
			elsewhere = true
		}
	}
	if elsewhere {
		a.orders++
	}
	return elsewhere && !here
}

// isUnsettled reports whether the provider must still be asked or told something about an attempt.
func isUnsettled(v *sequencer.OrderView, number uint8) bool {
	newest := number == v.Attempts && (v.State == sequencer.StatePaying || v.CaptureDue || v.PartTickets(sequencer.PartDue) > 0)
	return newest || v.VoidsDue&(1<<(number-1)) != 0
}

// tell shows the metrics what was counted.
func (a *accounts) tell(c *counters) {
	c.elsewhere.Store(a.orders)
	refused := a.here != "" && a.accepted != "" && a.here != a.accepted
	c.notAccepted.Store(refused)
}

// accountFor returns under which account an attempt to pay an order is charged; "" when it costs
// nothing. What cannot begin anyway is not worth a question. While the provider does not say which
// account it is, an attempt begins under the accepted one, and its calls make sure of that: what
// a buyer has by beginning in time is not lost to an outage. ErrNoAnswer before there is an
// accepted one, and ErrOtherAccount when the provider is another.
func (d *Desk) accountFor(ctx context.Context, v *sequencer.OrderView, c *Charge) (string, error) {
	if c.Amount == 0 {
		return "", nil
	}
	var accepted string
	d.node.Read(func(s sequencer.Reader) { accepted = s.Account() })
	if over := !v.State.Holds() && v.State != sequencer.StateWaitlisted; over && accepted != "" {
		return accepted, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.config.CallTimeout)
	defer cancel()
	account, err := d.metered.account(ctx, c.Order)
	switch {
	case err != nil && accepted != "":
		return accepted, nil
	case err != nil: // the cause is not the buyer's to know
		d.config.Logger.Warn("the payment provider does not say which account it is", "error", err)
		return "", ErrNoAnswer
	case accepted != "" && accepted != account:
		return "", notAccepted(account, accepted)
	}
	return account, nil
}

// mayCharge returns ErrOtherAccount for an order of a rehearsal and an account that moves money:
// nobody is to pay for what a load bought.
func (d *Desk) mayCharge(v *sequencer.OrderView, account string) error {
	sale, known := d.node.SaleByID(v.SaleID)
	if known && sale.Test && strings.Contains(account, "/live/") {
		return fmt.Errorf("%w: %s moves money, and sale %s is a test", ErrOtherAccount, account, v.SaleID)
	}
	return nil
}

func notAccepted(account, accepted string) error {
	return fmt.Errorf("%w: the provider is %s, charges are made under %s until an operator accepts the other", ErrOtherAccount, account, accepted)
}

// isAnswer reports whether the provider answered a call, whatever it said.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, ErrConflict) || errors.Is(err, ErrOtherAccount)
}
