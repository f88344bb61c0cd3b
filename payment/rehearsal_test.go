package payment_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// liveBooks are a sandbox that says it moves money.
type liveBooks struct{ payment.Provider }

func (liveBooks) Account(context.Context) (string, error) { return "sandbox/live/x", nil }

// Nobody pays for what a load bought: an order of a rehearsal is not charged under an account that
// moves money, known or accepted; and under one that does not it is paid like any other.
func TestRehearsalMovesNoMoney(t *testing.T) { synctest.Test(t, testRehearsalMovesNoMoney) }

func testRehearsalMovesNoMoney(t *testing.T) {
	for name, c := range map[string]struct {
		test, live, silent bool
		refused            bool
	}{
		"a rehearsal":                      {test: true},
		"a rehearsal with the live key":    {test: true, live: true, refused: true},
		"a rehearsal, the provider silent": {test: true, live: true, silent: true, refused: true},
		"a sale with the live key":         {live: true},
	} {
		node := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Test: c.test})
		provider := payment.Provider(booksOf(t, "x"))
		if c.live {
			provider = liveBooks{provider}
		}
		if c.silent { // the account was accepted before
			node.Tell(t, sequencer.Command{Kind: sequencer.KindAccept, Reference: []byte("sandbox/live/x"), Body: []byte("the live key")})
			provider = silentAccount{provider}
		}
		desk := paymenttest.NewDesk(t, paymenttest.QuickConfig(), node, provider)
		order := node.Buy(t, "ann")
		_, err := desk.Pay(t.Context(), payment.Request{Order: order, Sale: 1, User: "ann", Method: "tok_accept"})
		if is := node.Order(order); errors.Is(err, payment.ErrOtherAccount) != c.refused || (err == nil) == c.refused || (is.Attempts == 0) != c.refused {
			t.Errorf("%s: %v, %+v", name, err, is)
		}
	}
}

// silentAccount is a provider that does not say which account it is.
type silentAccount struct{ payment.Provider }

func (silentAccount) Account(context.Context) (string, error) { return "", payment.ErrNoAnswer }
