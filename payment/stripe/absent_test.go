package stripe_test

import (
	"context"
	"testing"
	"time"

	"onsale/payment"
	"onsale/payment/stripe/fake"
	"onsale/sequencer"
)

// What the account does not have is neither captured nor given back, and nothing is made there
// that could be cancelled instead.
func TestAbsent(t *testing.T) {
	a := newAccount(t, nil)
	p := newProvider(t, a.url)
	c := charge("a")
	does(t, "there is nothing to capture", payment.Unknown, captures(p), c)
	does(t, "there is nothing to give back", payment.Unknown, returns(p, 1), c)
	if intents := a.Intents(); len(intents) != 0 {
		t.Errorf("made to ask: %+v", intents)
	}
}

// A search that lags hides nothing: what it does not know is looked for in the list, also when
// the idempotency keys are forgotten.
func TestSearchLags(t *testing.T) {
	a := newAccount(t, nil)
	a.LagSearch()
	p := newProvider(t, a.url)
	taken, lost, open := charge("taken"), charge("lost"), charge("open")
	since := time.Now().Add(-25 * time.Hour).UnixNano()
	taken.Since, lost.Since, open.Since = since, since, since
	for _, c := range []payment.Charge{taken, lost, open} {
		does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), c)
	}
	does(t, "captured", payment.Captured, captures(p), taken)
	for range 150 { // another page
		c := charge("others")
		c.Key += time.Now().String()
		does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), c)
	}
	a.PassDay()

	next := newProvider(t, a.url)
	made := a.Requests(fake.StepCreate)
	does(t, "found", payment.Authorised, next.Find, open)
	does(t, "cancelled, and not another one", payment.Cancelled, newProvider(t, a.url).Cancel, open)
	does(t, "captured", payment.Captured, captures(next), lost)
	does(t, "given back", payment.Refunded, returns(next, 1), taken)
	if again := a.Requests(fake.StepCreate); again != made {
		t.Errorf("%d intents were made to ask", again-made)
	}
	for _, intent := range a.Intents() {
		if want := map[string]string{taken.Key: "succeeded", lost.Key: "succeeded", open.Key: "canceled"}[intent.Key]; want != "" && intent.Status != want {
			t.Errorf("%+v, want %s", intent, want)
		}
	}
}

// An intent that was made to ask stands before the one with the money: that one counts.
func TestMadeToAsk(t *testing.T) {
	a := newAccount(t, nil)
	p, c := newProvider(t, a.url), charge("a")
	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), c)
	does(t, "captured", payment.Captured, captures(p), c)
	a.LagSearch()
	a.PassDay()
	does(t, "asked a day later, as if it began just now", payment.Cancelled, newProvider(t, a.url).Cancel, c)
	does(t, "the money goes back", payment.Refunded, returns(newProvider(t, a.url), 1), c)
}

// captures is the step that takes all of a charge.
func captures(p payment.Provider) func(context.Context, payment.Charge) (payment.Status, error) {
	return func(ctx context.Context, c payment.Charge) (payment.Status, error) {
		status, err := p.Capture(ctx, c, c.Amount)
		status.Taken = 0 // which is told of captures alone
		return status, err
	}
}

// returns is the step that sends a refund of a charge.
func returns(p payment.Provider, refund uint8) func(context.Context, payment.Charge) (payment.Status, error) {
	return func(ctx context.Context, c payment.Charge) (payment.Status, error) { return p.Return(ctx, c, refund) }
}

// A refund that is under way is not back, one that failed is not sent again under its number,
// and one that is refused for good says so.
func TestRefundFails(t *testing.T) {
	a := newAccount(t, nil)
	p, c := newProvider(t, a.url), charge("a")
	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), c)
	does(t, "captured", payment.Captured, captures(p), c)
	does(t, "refunded", payment.Refunded, returns(p, 1), c)
	if !a.SetRefund(c.Key, "pending", "") {
		t.Fatal("no refund")
	}
	if status, err := p.Return(t.Context(), c, 1); err != nil || status.Phase != payment.Captured || !status.Refunding {
		t.Errorf("under way: %+v, %v", status, err)
	}
	a.SetRefund(c.Key, "failed", "lost_or_stolen_card")
	sent := a.Requests(fake.StepRefund)
	want := payment.Status{Phase: payment.Captured, Refunds: 1, Refusal: sequencer.ReasonMethodGone}
	if status, err := newProvider(t, a.url).Return(t.Context(), c, 1); err != nil || status != want {
		t.Errorf("failed: %+v, %v", status, err)
	}
	if again := a.Requests(fake.StepRefund); again != sent {
		t.Error("it was sent again under its number")
	}
	does(t, "sent once more", payment.Refunded, returns(p, 2), c)

	gone := charge("b")
	does(t, "authorised", payment.Authorised, with(p, "pm_card_visa"), gone)
	does(t, "captured", payment.Captured, captures(p), gone)
	a.RefuseRefunds(gone.Key, "charge_disputed")
	want.Refusal = sequencer.ReasonDisputed
	if status, err := p.Return(t.Context(), gone, 1); err != nil || status != want {
		t.Errorf("refused: %+v, %v", status, err)
	}
}
