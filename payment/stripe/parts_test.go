package stripe_test

import (
	"context"
	"testing"

	"onsale/payment"
	"onsale/payment/stripe/fake"
	"onsale/sequencer"
)

// returnsPart is the step that refunds a part of a charge.
func returnsPart(p payment.Provider, part payment.Part) func(context.Context, payment.Charge) (payment.Status, error) {
	return func(ctx context.Context, c payment.Charge) (payment.Status, error) { return p.ReturnPart(ctx, c, part) }
}

// booked returns what the books have under a key.
func booked(t *testing.T, p payment.Provider, key string) (found payment.Entry) {
	t.Helper()
	entries, _, err := p.Ledger(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Key == key {
			found = e
		}
	}
	return found
}

// Less is captured than was reserved, which Stripe counts as refunded; then parts go back, each
// once, and the rest at last.
func TestParts(t *testing.T) {
	a := newAccount(t, nil)
	p, c := newProvider(t, a.url), charge("a")
	does(t, "a part of nothing", payment.Unknown, returnsPart(p, payment.Part{Number: 1, Refund: 1, Amount: 10}), c)
	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), c)
	does(t, "a part of what is not captured", payment.Authorised, returnsPart(p, payment.Part{Number: 1, Refund: 1, Amount: 10}), c)
	for range 2 { // asked for more the second time, it stays as it is
		if status, err := p.Capture(t.Context(), c, c.Amount-100); err != nil || status.Phase != payment.Captured || status.Taken != c.Amount-100 {
			t.Fatalf("%+v, %v", status, err)
		}
	}
	for number := uint8(1); number <= 2; number++ {
		does(t, "a part", payment.Refunded, returnsPart(newProvider(t, a.url), payment.Part{Number: number, Refund: 1, Amount: 30}), c)
	}
	if e := booked(t, p, c.Key); e.CapturedAmount != c.Amount-100 || e.RefundedAmount != 60 || e.Phase != payment.Captured {
		t.Errorf("%+v", e)
	}
	if sent := a.Requests(fake.StepRefund); sent != 2 {
		t.Errorf("%d refunds were sent", sent)
	}
	does(t, "the rest", payment.Refunded, returns(p, 1), c)
	if e := booked(t, p, c.Key); e.RefundedAmount != c.Amount-100 {
		t.Errorf("%+v", e)
	}
}

// The refund of a part that is under way is not back; one that failed is not sent again under
// its number, and one that is refused for good says so. Nothing is sent to ask.
func TestPartFails(t *testing.T) {
	a := newAccount(t, nil)
	p, c, part := newProvider(t, a.url), charge("a"), payment.Part{Number: 1, Refund: 1, Amount: 30}
	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), c)
	does(t, "captured", payment.Captured, captures(p), c)
	does(t, "asked", payment.Captured, returnsPart(p, payment.Part{Number: 1, Amount: 30}), c)
	does(t, "a part", payment.Refunded, returnsPart(p, part), c)
	a.SetRefund(c.Key, "pending", "")
	if status, err := p.ReturnPart(t.Context(), c, part); err != nil || status.Phase != payment.Captured || !status.Refunding {
		t.Errorf("under way: %+v, %v", status, err)
	}
	if status, err := p.Find(t.Context(), c); err != nil || status.Refunds != 0 || !status.Refunding {
		t.Errorf("the charge, while a part is under way: %+v, %v", status, err)
	}
	a.SetRefund(c.Key, "failed", "lost_or_stolen_card")
	want := payment.Status{Phase: payment.Captured, Refunds: 1, Refusal: sequencer.ReasonMethodGone}
	if status, err := p.ReturnPart(t.Context(), c, part); err != nil || status != want {
		t.Errorf("failed: %+v, %v", status, err)
	}
	a.PassDay()
	part.Refund = 2
	does(t, "once more", payment.Refunded, returnsPart(p, part), c)
	if sent := a.Requests(fake.StepRefund); sent != 2 {
		t.Errorf("%d refunds were sent", sent)
	}
	a.RefuseRefunds(c.Key, "charge_disputed")
	want = payment.Status{Phase: payment.Captured, Refunds: 1, Refusal: sequencer.ReasonDisputed}
	if status, err := p.ReturnPart(t.Context(), c, payment.Part{Number: 2, Refund: 1, Amount: 30}); err != nil || status != want {
		t.Errorf("refused: %+v, %v", status, err)
	}
}

// A part in a currency of three decimals, and of none.
func TestPartsOfOtherCurrencies(t *testing.T) {
	a := newAccount(t, nil)
	p := newProvider(t, a.url)
	for key, c := range map[string]payment.Charge{"a": {Amount: 24680, Currency: "KWD"}, "b": {Amount: 9800, Currency: "JPY"}, "c": {Amount: 980, Currency: "ISK"}} {
		due := charge(key)
		due.Amount, due.Currency = c.Amount, c.Currency
		does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), due)
		if status, err := p.Capture(t.Context(), due, due.Amount/2); err != nil || status.Taken != due.Amount/2 {
			t.Errorf("%s: %+v, %v", due.Currency, status, err)
		}
		does(t, "a part", payment.Refunded, returnsPart(p, payment.Part{Number: 1, Refund: 1, Amount: due.Amount / 4}), due)
		if e := booked(t, p, due.Key); e.CapturedAmount != due.Amount/2 || e.RefundedAmount != due.Amount/4 {
			t.Errorf("%s: %+v", due.Currency, e)
		}
	}
}
