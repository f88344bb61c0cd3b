package payment_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// askPay pays an order in the background.
func askPay(d *payment.Desk, seq uint64, method string) <-chan payment.Answer {
	told := make(chan payment.Answer, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		answer, err := d.Pay(ctx, payment.Request{Order: seq, Sale: 1, User: "ann", Method: method})
		if err != nil {
			panic(err)
		}
		told <- answer
	}()
	return told
}

// Who presses twice hears twice what the one attempt came to, whether the provider answers
// late or only a settler finds it out; who comes with another card hears that one is under
// way, and so do more than may wait.
func TestSecondRequestWaits(t *testing.T) { synctest.Test(t, testSecondRequestWaits) }

func testSecondRequestWaits(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)
	for _, method := range []string{"tok_delay_200ms", "tok_late_200ms"} {
		seq := n.Buy(t, "ann")
		var same []<-chan payment.Answer
		for range 2 {
			same = append(same, askPay(d, seq, method))
		}
		synctest.Wait()
		if other := <-askPay(d, seq, "tok_accept"); other.Code != sequencer.CodePaymentInFlight {
			t.Errorf("%s, another card: %+v", method, other)
		}
		same = append(same, askPay(d, seq, method))
		paid := 0
		for _, told := range same {
			if answer := <-told; answer.State == sequencer.StatePaid && answer.Attempt == 1 && answer.Key != "" {
				paid++
			} else if answer.Code != sequencer.CodePaymentInFlight {
				t.Errorf("%s: %+v", method, answer)
			}
		}
		if most := len(same); paid != most && (method == "tok_delay_200ms" || paid != most-1) { // the first one had no answer
			t.Errorf("%s: %d of %d were told", method, paid, most)
		}
	}
	seq := n.Buy(t, "ann")
	first := askPay(d, seq, "tok_delay_250ms")
	synctest.Wait()
	for range 8 {
		askPay(d, seq, "tok_delay_250ms")
	}
	synctest.Wait()
	if ninth := <-askPay(d, seq, "tok_delay_250ms"); ninth.Code != sequencer.CodePaymentInFlight {
		t.Errorf("one more than may wait: %+v", ninth)
	}
	if answer := <-first; answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}
	mustShow(t, d, map[string]float64{`onsale_payment_attempts_total{result="joined"}`: 8 + 2 + 2})
	if found := paymenttest.MustAgree(t, n, d); found.Charges != 3 {
		t.Errorf("%+v", found)
	}
}

// Who waits for an attempt of a leader that leads no more hears that it is under way; who
// asks on after its outcome came otherwise begins anew.
func TestJoinedElsewhere(t *testing.T) { synctest.Test(t, testJoinedElsewhere) }

func testJoinedElsewhere(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)
	seq, declined := n.Buy(t, "ann"), n.Buy(t, "ann")
	<-askPay(d, seq, "tok_late_5000ms") // the first has no answer; the second waits
	waits := askPay(d, seq, "tok_late_5000ms")
	synctest.Wait()
	n.SetLeader(sequencer.ErrNoLeader)
	if answer := <-waits; answer.Code != sequencer.CodePaymentInFlight || answer.Attempt != 1 {
		t.Errorf("%+v", answer)
	}
	n.SetLeader(nil)

	<-askPay(d, declined, "tok_never")
	waits = askPay(d, declined, "tok_never")
	synctest.Wait()
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: declined, Attempt: 1, Outcome: sequencer.PayRejected, Reason: sequencer.ReasonDeclined})
	if answer := <-waits; answer.State != sequencer.StateReserved || answer.Reason != sequencer.ReasonDeclined {
		t.Errorf("%+v", answer)
	}
	if answer := paymenttest.Pay(t, d, declined, "ann", "tok_accept"); answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}
	for _, e := range books.Entries() {
		if e.Phase == payment.Processing {
			if _, err := books.Cancel(t.Context(), e.Charge); err != nil {
				t.Fatal(err)
			}
		}
	}
	paymenttest.MustAgree(t, n, d)
}

// Whose card was declined too often is told from when on to try again, and nobody is asked
// before.
func TestDeclinesPause(t *testing.T) { synctest.Test(t, testDeclinesPause) }

func testDeclinesPause(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)
	seq := n.Buy(t, "ann")
	var answer payment.Answer
	for range sequencer.DeclinesFree {
		answer = paymenttest.Pay(t, d, seq, "ann", "tok_decline")
	}
	if answer.Reason != sequencer.ReasonDeclined || answer.RetryAt == 0 {
		t.Errorf("the last that is free: %+v", answer)
	}
	again := paymenttest.Pay(t, d, seq, "ann", "tok_accept")
	if again.Code != sequencer.CodeAttemptTooSoon || again.RetryAt != answer.RetryAt || again.State != sequencer.StateReserved || again.Deadline == 0 {
		t.Errorf("%+v", again)
	}
	n.Pass(sequencer.AttemptPause)
	if answer := paymenttest.Pay(t, d, seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}
	if found := paymenttest.MustAgree(t, n, d); found.Charges != sequencer.DeclinesFree+1 {
		t.Errorf("%+v", found)
	}
}

// slowToName is a provider that takes a while to say which account it is.
type slowToName struct{ payment.Provider }

func (p slowToName) Account(ctx context.Context) (string, error) {
	time.Sleep(20 * time.Millisecond)
	return p.Provider.Account(ctx)
}

// Who presses again while an attempt is about to begin waits for its outcome, too: there is no
// moment in which the order is worked on and nothing of it is known.
func TestSecondRequestWhileOneBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
		d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, slowToName{books})
		seq := n.Buy(t, "ann")
		first := askPay(d, seq, "tok_delay_100ms")
		synctest.Wait() // it asks for the account
		second := askPay(d, seq, "tok_delay_100ms")
		for _, told := range []<-chan payment.Answer{first, second} {
			if answer := <-told; answer.State != sequencer.StatePaid || answer.Attempt != 1 {
				t.Errorf("%+v", answer)
			}
		}
		mustShow(t, d, map[string]float64{`onsale_payment_attempts_total{result="joined"}`: 1})
	})
}

// Who pays again while the attempt of an earlier leader is under way hears so, by whatever means; nothing is
// committed, and no place in the line is taken.
func TestSecondRequestAfterALeader(t *testing.T) { synctest.Test(t, testSecondRequestAfterALeader) }

func testSecondRequestAfterALeader(t *testing.T) {
	n, config := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), paymenttest.QuickConfig()
	order := n.Buy(t, "ann")
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: []byte("ann"), Amount: 200, Reference: []byte(paymenttest.Account)})
	config.SettleInterval = time.Hour
	d := paymenttest.NewDesk(t, config, n, newBooks(t))
	var before, after uint64
	n.Read(func(s sequencer.Reader) { before = s.Seq() })
	for _, method := range []string{"", "tok_accept"} {
		if answer := <-askPay(d, order, method); answer.Code != sequencer.CodePaymentInFlight || answer.Attempt != 1 {
			t.Errorf("by %q: %+v", method, answer)
		}
	}
	n.Read(func(s sequencer.Reader) { after = s.Seq() })
	if after != before {
		t.Errorf("the log went on from %d to %d", before, after)
	}
}
