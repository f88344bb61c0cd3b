package payment_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// bank is a sandbox whose buyers authenticate, counted by call.
type bank struct {
	*paymenttest.Faulty
	books   *sandbox.Books
	cancels atomic.Int32
	fault   atomic.Pointer[func(paymenttest.CallName) paymenttest.Fault]
}

func newBank(t testing.TB, notify func(signature string, body []byte)) *bank {
	t.Helper()
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	config.Secrets, config.Notify = [][]byte{[]byte("a secret")}, notify
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	b := &bank{books: books}
	b.Faulty = &paymenttest.Faulty{Provider: books, Fault: func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		if call == paymenttest.CallCancel {
			b.cancels.Add(1)
		}
		if fault := b.fault.Load(); fault != nil {
			return (*fault)(call)
		}
		return paymenttest.Fault{}
	}}
	return b
}

// mustAsk fails when an answer does not send the buyer to authenticate.
func mustAsk(t testing.TB, answer payment.Answer, attempt uint8) *payment.NextAction {
	t.Helper()
	next := answer.NextAction
	if answer.Code != sequencer.CodePaymentInFlight || answer.State != sequencer.StatePaying || answer.Attempt != attempt ||
		next == nil || next.Type != payment.ActionRedirect || next.ClientSecret == "" || !strings.Contains(next.RedirectURL, next.ClientSecret) {
		t.Fatalf("%+v, %+v", answer, next)
	}
	return next
}

// A buyer is sent to authenticate, is sent there again when they ask again, and pays, or is
// declined. Neither the log nor any file knows the secret.
func TestAuthenticate(t *testing.T) {
	for completes, want := range map[bool]payment.Answer{
		true:  {Code: sequencer.CodeAlreadyPaid, State: sequencer.StatePaid},
		false: {Code: sequencer.CodeOK, State: sequencer.StatePaid}, // with the next attempt
	} {
		b, n := newBank(t, nil), paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
		config, log := paymenttest.QuickConfig(), new(bytes.Buffer)
		config.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		d := paymenttest.NewDesk(t, config, n, b)
		seq := n.Buy(t, "ann")
		first := mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_3ds"), 1)
		for _, method := range []string{"tok_3ds", "", "tok_3ds"} {
			if again := mustAsk(t, paymenttest.Pay(t, d, seq, "ann", method), 1); *again != *first {
				t.Errorf("%+v, then %+v", first, again)
			}
		}
		if _, known := b.books.Authenticate(first.ClientSecret, completes); !known {
			t.Fatal("the sandbox does not know its own secret")
		}
		state := map[bool]sequencer.OrderState{true: sequencer.StatePaid, false: sequencer.StateReserved}[completes]
		paymenttest.Eventually(t, "it is decided by asking", func() bool { return n.StateOf(seq) == state })
		if v := n.Order(seq); !completes && v.Reason != sequencer.ReasonAuthenticationRequired || v.Attempts != 1 {
			t.Errorf("%+v", v)
		}
		answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept")
		if answer.Code != want.Code || answer.State != want.State {
			t.Errorf("completed %v: %+v", completes, answer)
		}
		paymenttest.MustAgree(t, n, d)
		d.Close()
		if strings.Contains(log.String(), "_secret_") || b.cancels.Load() != 0 {
			t.Errorf("%d cancelled; the log has a secret: %s", b.cancels.Load(), log)
		}
	}
}

// Who asks in the moment in which the buyer has authenticated hears the outcome.
func TestAuthenticatedThenAsked(t *testing.T) {
	for completes, state := range map[bool]sequencer.OrderState{true: sequencer.StatePaid, false: sequencer.StateReserved} {
		b, n := newBank(t, nil), paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
		config := paymenttest.QuickConfig()
		config.SettleInterval, config.RetryPauseMax = time.Hour, time.Hour // nobody else asks
		d := paymenttest.NewDesk(t, config, n, b)
		seq := n.Buy(t, "ann")
		b.books.Authenticate(mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_3ds"), 1).ClientSecret, completes)
		answer := paymenttest.Pay(t, d, seq, "ann", map[bool]string{true: "tok_3ds", false: ""}[completes])
		if answer.State != state || answer.Attempt != 1 || !completes && answer.Reason != sequencer.ReasonAuthenticationRequired {
			t.Errorf("completed %v: %+v", completes, answer)
		}
		paymenttest.MustAgree(t, n, d)
	}
}

// With another card the open authentication is cancelled at the provider first; the next attempt
// begins when that is certain, and not before.
func TestAnotherCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, n := newBank(t, nil), paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
		config := payment.DefaultConfig()
		d := paymenttest.NewDesk(t, config, n, b)
		seq := n.Buy(t, "ann")
		first := mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_3ds"), 1)
		began := time.Now()
		if answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
			t.Errorf("%+v", answer)
		}
		if took := time.Since(began); took != 0 { // of the bubble's time: no more than the provider's calls
			t.Errorf("it took %v", took)
		}
		if e, _ := b.books.Authenticate(first.ClientSecret, true); e.Phase != payment.Cancelled || b.cancels.Load() != 1 {
			t.Errorf("%+v, %d cancelled", e, b.cancels.Load())
		}
		paymenttest.MustAgree(t, n, d)
	})
}

// While nobody knows whether the authentication is cancelled there is no other attempt; the
// settlers make sure of it, and then there is.
func TestAnotherCardInDoubt(t *testing.T) {
	b, n := newBank(t, nil), paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, b)
	seq := n.Buy(t, "ann")
	mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_3ds"), 1)
	lost := func(call paymenttest.CallName) paymenttest.Fault {
		return paymenttest.Fault{Unsent: call == paymenttest.CallCancel}
	}
	b.fault.Store(&lost)
	answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept")
	if answer.Code != sequencer.CodePaymentInFlight || answer.Attempt != 1 || answer.NextAction != nil {
		t.Errorf("%+v", answer)
	}
	if v := n.Order(seq); v.State != sequencer.StatePaying || v.Attempts != 1 {
		t.Errorf("%+v", v)
	}
	b.fault.Store(nil)
	paymenttest.Eventually(t, "it is cancelled", func() bool { return n.StateOf(seq) == sequencer.StateReserved })
	if answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
		t.Errorf("%+v", answer)
	}
	paymenttest.MustAgree(t, n, d)
}

// A new leader keeps what waits for its buyer, counts it as no outage, and sends the buyer
// there again.
func TestAuthenticationOutlivesTheLeader(t *testing.T) {
	b, n := newBank(t, nil), paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	first := payment.NewDesk(config, n, b)
	seq := n.Buy(t, "ann")
	action := mustAsk(t, paymenttest.Pay(t, first, seq, "ann", "tok_3ds"), 1)
	first.Close()

	finds := atomic.Int32{}
	counted := func(call paymenttest.CallName) paymenttest.Fault {
		if call == paymenttest.CallFind {
			finds.Add(1)
		}
		return paymenttest.Fault{}
	}
	b.fault.Store(&counted)
	config.AbandonAfter = time.Millisecond
	second := paymenttest.NewDesk(t, config, n, b)
	paymenttest.Eventually(t, "it is asked about", func() bool { return finds.Load() > 2 })
	if again := mustAsk(t, paymenttest.Pay(t, second, seq, "ann", "tok_3ds"), 1); *again != *action {
		t.Errorf("%+v, then %+v", action, again)
	}
	if err := second.ProviderErr(); err != nil || b.cancels.Load() != 0 {
		t.Errorf("%v, %d cancelled", err, b.cancels.Load())
	}
	b.books.Authenticate(action.ClientSecret, true)
	paymenttest.Eventually(t, "it is paid", func() bool { return n.StateOf(seq) == sequencer.StatePaid })
	paymenttest.MustAgree(t, n, second)
}

// An abandoned authentication ends with the grace, at the provider first, and prolongs nothing:
// also when a call of it failed before.
func TestAbandonedAuthentication(t *testing.T) {
	b := newBank(t, nil)
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Hold: int64(time.Hour), Grace: int64(10 * time.Minute)})
	lost := func(call paymenttest.CallName) paymenttest.Fault {
		return paymenttest.Fault{Lost: call == paymenttest.CallAuthorise}
	}
	b.fault.Store(&lost)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, b)
	seq := n.Buy(t, "ann")
	deadline := n.Order(seq).Deadline
	paymenttest.Pay(t, d, seq, "ann", "tok_3ds")
	paymenttest.Eventually(t, "the settlers know that it waits", func() bool { return metricOf(t, d, "onsale_payment_awaiting_action") == 1 })
	mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_3ds"), 1)

	n.Pass(time.Hour + 9*time.Minute) // the grace goes on
	mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_3ds"), 1)
	mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_accept"), 1) // no attempt may follow it: it stays
	if v := n.Order(seq); v.State != sequencer.StatePaying || v.Deadline != deadline || b.cancels.Load() != 0 {
		t.Errorf("%+v, %d cancelled", v, b.cancels.Load())
	}
	n.Pass(2 * time.Minute)
	paymenttest.Eventually(t, "it is over", func() bool { return n.StateOf(seq) == sequencer.StateExpired })
	if v := n.Order(seq); v.Deadline > deadline || b.books.Entries()[0].Phase != payment.Cancelled {
		t.Errorf("%+v, %+v", v, b.books.Entries())
	}
	paymenttest.MustAgree(t, n, d)
	paymenttest.Eventually(t, "nothing waits", func() bool { return metricOf(t, d, "onsale_payment_awaiting_action") == 0 })
}

// Who cancels a sale ends the authentications that are open in it.
func TestAuthenticationOfACancelledSale(t *testing.T) {
	b, n := newBank(t, nil), paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, b)
	seq := n.Buy(t, "ann")
	mustAsk(t, paymenttest.Pay(t, d, seq, "ann", "tok_3ds"), 1)
	n.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1})
	paymenttest.Eventually(t, "it is over", func() bool { return n.StateOf(seq) == sequencer.StateCancelled })
	paymenttest.MustAgree(t, n, d)
}

// Two tabs: the second one, with the same card, hears what the first one does, and nobody has
// a second attempt.
func TestAuthenticationInTwoTabs(t *testing.T) {
	b, n := newBank(t, nil), paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	slow := func(call paymenttest.CallName) paymenttest.Fault {
		return paymenttest.Fault{After: 30 * time.Millisecond}
	}
	b.fault.Store(&slow)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, b)
	seq := n.Buy(t, "ann")
	answers := make(chan payment.Answer, 5)
	for range cap(answers) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			answer, _ := d.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: "ann", Method: "tok_3ds"})
			answers <- answer
		}()
	}
	for range cap(answers) {
		mustAsk(t, <-answers, 1)
	}
	if entries := b.books.Entries(); len(entries) != 1 {
		t.Errorf("%+v", entries)
	}
}

// A webhook ends it at once.
func TestAuthenticationByWebhook(t *testing.T) {
	var desk atomic.Pointer[payment.Desk]
	b := newBank(t, func(signature string, body []byte) {
		if err := desk.Load().Notice("sandbox", signature, body); err != nil {
			t.Error(err)
		}
	})
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.SettleInterval, config.RetryPauseMax = time.Hour, time.Hour
	desk.Store(paymenttest.NewDesk(t, config, n, b))
	seq := n.Buy(t, "ann")
	action := mustAsk(t, paymenttest.Pay(t, desk.Load(), seq, "ann", "tok_3ds"), 1)
	b.books.Authenticate(action.ClientSecret, true)
	paymenttest.Eventually(t, "it is paid", func() bool { return n.StateOf(seq) == sequencer.StatePaid })
	paymenttest.MustAgree(t, n, desk.Load())
}

// The leader dies at every step while buyers authenticate.
func TestCrashWhileOpen(t *testing.T) {
	paymenttest.CrashWhileOpen(t, paymenttest.OpenCrashes{
		Open: func(t testing.TB) (payment.Provider, func(string)) {
			b := newBank(t, nil)
			return b.books, func(secret string) { b.books.Authenticate(secret, true) }
		},
		Asks: "tok_3ds", Good: "tok_accept", Passes: 6, CallTimeout: 40 * time.Millisecond,
	})
}
