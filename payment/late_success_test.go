package payment_test

import (
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// Money that a question finds for an order that ended meanwhile goes back at once, and not
// when the settlers look next.
func TestLateSuccessGoesBackAtOnce(t *testing.T) { synctest.Test(t, testLateSuccessGoesBackAtOnce) }

func testLateSuccessGoesBackAtOnce(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	fault := func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		if call == paymenttest.CallFind {
			return paymenttest.Fault{Before: time.Second}
		}
		return paymenttest.Fault{}
	}
	config := payment.DefaultConfig()
	config.SettleInterval, config.RetryPauseMax = time.Minute, time.Minute
	d := paymenttest.NewDesk(t, config, n, &paymenttest.Faulty{Provider: books, Fault: fault})
	seq := n.Buy(t, "ann")
	paymenttest.Pay(t, d, seq, "ann", "tok_late_100ms")
	time.Sleep(500 * time.Millisecond) // the question is on its way
	n.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1})
	time.Sleep(time.Second)
	synctest.Wait()
	if e := books.Entries()[0]; e.Phase != payment.Cancelled {
		t.Errorf("a second after the sale was cancelled: %+v", e)
	}
	paymenttest.MustAgree(t, n, d)
}
