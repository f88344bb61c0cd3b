package payment_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// A charge whose birth or order is another one than its key says is not of our making, and
// no orphan: its money does not go back from here.
func TestChargesThatWeNeverMadeAreNoOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLostAndRestored(t, faultless)
		want := map[string]string{l.alice.Key: payment.OrphanNoOrder}
		for attempt, change := range map[uint8]func(*payment.Charge){
			2: func(*payment.Charge) {},
			3: func(c *payment.Charge) { c.Birth = strings.Repeat("f", len(c.Birth)) },
			4: func(c *payment.Charge) { c.Order = sequencer.FormatUID(1, 999) },
		} {
			c := l.alice
			c.Key = sequencer.PaymentRef(paymenttest.BirthID(), c.Order, attempt)
			change(&c)
			if _, err := l.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
				t.Fatal(err)
			}
			if _, err := l.books.Capture(t.Context(), c, c.Amount); err != nil {
				t.Fatal(err)
			}
			if attempt == 2 {
				want[c.Key] = payment.OrphanNoOrder
			}
		}
		l.mustList(t, want)
	})
}
