package payment_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"onsale/payment"
	"onsale/payment/paymenttest"
)

// A refund on the provider's own page, in part, is a difference with its amount, by order; the
// sums show it too. It was none: captured 9800, refunded 4900, and books and orders agreed.
func TestRefundedInPart(t *testing.T) { synctest.Test(t, testRefundedInPart) }

func testRefundedInPart(t *testing.T) {
	s := newScene(t, faultless)
	ann, bob := s.Buy(t, "ann"), s.Buy(t, "bob")
	paymenttest.Pay(t, s.desk, ann, "ann", "tok_accept")
	paymenttest.Pay(t, s.desk, bob, "bob", "tok_accept")
	paymenttest.MustAgree(t, s.Node, s.desk)
	of := paymenttest.Attempt{User: "ann", Seq: ann}.Charge(200, "EUR")
	if !s.books.RefundPart(of.Key, 70) || s.books.RefundPart(of.Key, 131) {
		t.Fatal("70 of 200 can go back, and then 131 cannot")
	}
	found, err := s.desk.Reconcile(t.Context())
	if err != nil || len(found.Differences) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	difference := found.Differences[0]
	if difference.Kind != payment.DifferencePart || difference.Key != of.Key || difference.Order != of.Order ||
		difference.Amount != 70 || difference.Currency != "EUR" {
		t.Errorf("%+v", difference)
	}
	if want := "the order is paid, 0.70\u00a0EUR of 2.00\u00a0EUR went back at the provider"; difference.Detail != want {
		t.Errorf("people read %q", difference.Detail)
	}
	if want := []payment.Takings{{Currency: "EUR", Captured: 400, Refunded: 70, Orders: 400}}; !slices.Equal(found.Money, want) {
		t.Errorf("%+v, want %+v", found.Money, want)
	}

	// All of it is another difference: the order is paid, and its money is gone.
	if !s.books.RefundPart(of.Key, 130) {
		t.Fatal("the rest can go back")
	}
	s.mustDiffer(t, payment.DifferenceNotCaptured, ann, 200)
}
