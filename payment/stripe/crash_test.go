package stripe_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/stripe"
	"onsale/payment/stripe/fake"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// crashes has a payment of each kind that comes to something else.
func crashes() paymenttest.Crashes {
	return paymenttest.Crashes{
		Open: func(t testing.TB) payment.Provider { return newBubbleAccount(t).provider(t) },
		Methods: []string{"pm_card_visa", "pm_card_visa_chargeDeclined", "pm_fake_delay_60ms", "pm_fake_lost", "pm_fake_late_100ms",
			"pm_fake_error", "pm_fake_processing"},
		Good: "pm_card_visa", NeverPay: []string{"pm_card_visa_chargeDeclined", "pm_fake_processing"},
		Bounces: "pm_fake_refund_fails_30ms", Disputed: "pm_fake_disputed_20ms", Passes: testenv.Pick(6, 1), CallTimeout: 80 * time.Millisecond,
	}
}

// The leader dies at every step of the protocol.
func TestCrashAtEveryStep(t *testing.T) { paymenttest.CrashAtEveryStep(t, crashes()) }

// The same at one that answers 429.
func TestCrashAtEveryStepThrottled(t *testing.T) {
	with := crashes()
	with.Methods, with.NeverPay = []string{"pm_card_visa", "pm_card_visa_chargeDeclined", "pm_fake_lost"}, []string{"pm_card_visa_chargeDeclined"}
	with.Passes, with.Throttles = 1, true
	paymenttest.CrashAtEveryStep(t, with)
}

// Nobody at Stripe answers from any step on, for a while: the leader asks on.
func TestProviderDiesAtEveryStep(t *testing.T) {
	with := crashes()
	with.Passes, with.ProviderDies = testenv.Pick(3, 1), true
	paymenttest.CrashAtEveryStep(t, with)
}

// mortal passes requests on until its process dies at the nth: before it is sent, or
// before its answer comes back.
type mortal struct {
	next  http.Handler
	left  atomic.Int32
	sends bool // the request at which it dies arrives
}

func (m *mortal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	left := m.left.Add(-1)
	if left < 0 || left == 0 && !m.sends {
		cut(w)
	}
	if left == 0 {
		m.next.ServeHTTP(httptest.NewRecorder(), r)
		cut(w)
	}
	m.next.ServeHTTP(w, r)
}

// The leader dies at every single request to Stripe, of payments and of a refund, and
// the next one, which remembers nothing, settles what it left: on the same day, and
// after Stripe has forgotten the idempotency keys.
func TestCrashAtEveryRequest(t *testing.T) {
	for nth := int32(1); nth <= 12; nth += testenv.Pick(int32(1), 5) {
		for _, sends := range []bool{false, true} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d,sent=%v,late=%v", nth, sends, late), func(t *testing.T) {
					inBubble(t, func(t *testing.T) { crashAtRequest(t, nth, sends, late) })
				})
			}
		}
	}
}

func crashAtRequest(t *testing.T, nth int32, sends, late bool) {
	a := newBubbleAccount(t)
	dying := &mortal{next: a.Fake, sends: sends}
	dying.left.Store(nth + 1) // and one for the account
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.CallTimeout, config.SettleInterval, config.RetryPauseMax = 5*time.Second, time.Hour, time.Hour // the first leader settles nothing
	first := payment.NewDesk(config, n, knowing(t, newHost(t, dying).provider(t)))
	methods := []string{"pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_visa"}
	var orders []uint64
	for i, method := range methods {
		user := fmt.Sprint(i)
		orders = append(orders, n.Buy(t, user))
		if answer := paymenttest.Pay(t, first, orders[i], user, method); i == 0 && answer.State == sequencer.StatePaid {
			n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: orders[i]})
		}
	}
	first.Close()
	if late {
		a.PassDay()
	}
	next := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, a.provider(t))
	paymenttest.MustAgree(t, n, next)
	for i, order := range orders {
		if n.StateOf(order) == sequencer.StateReserved {
			payAgain(t, next, order, fmt.Sprint(i))
		}
	}
	paymenttest.MustAgree(t, n, next)
}

// The leader dies at every step while buyers authenticate.
func TestCrashWhileOpen(t *testing.T) {
	paymenttest.CrashWhileOpen(t, paymenttest.OpenCrashes{
		Open: func(t testing.TB) (payment.Provider, func(string)) {
			a := newBubbleAccount(t)
			return a.provider(t), func(secret string) { a.Authenticate(secret, true) }
		},
		Asks: threeDSecure, Good: "pm_card_visa", Passes: testenv.Pick(4, 1), CallTimeout: 80 * time.Millisecond,
	})
}

// The leader dies at every single request to Stripe of a payment that waits for its buyer, who
// then takes another card; the next one finds what is open, and the order is paid once.
func TestCrashAtEveryRequestWhileOpen(t *testing.T) {
	for nth := int32(1); nth <= 8; nth += testenv.Pick(int32(1), 3) {
		for _, sends := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d,sent=%v", nth, sends), func(t *testing.T) {
				inBubble(t, func(t *testing.T) { crashAtRequestWhileOpen(t, nth, sends) })
			})
		}
	}
}

func crashAtRequestWhileOpen(t *testing.T, nth int32, sends bool) {
	a := newBubbleAccount(t)
	dying := &mortal{next: a.Fake, sends: sends}
	dying.left.Store(nth + 1) // and one for the account
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.CallTimeout, config.SettleInterval, config.RetryPauseMax = 5*time.Second, time.Hour, time.Hour // the first leader settles nothing
	first := payment.NewDesk(config, n, knowing(t, newHost(t, dying).provider(t)))
	seq := n.Buy(t, "ann")
	for _, method := range []string{threeDSecure, "pm_card_visa"} {
		paymenttest.Pay(t, first, seq, "ann", method)
	}
	first.Close()
	next := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, a.provider(t))
	payAgain(t, next, seq, "ann")
	paymenttest.MustAgree(t, n, next)
	for _, i := range a.Intents() {
		if i.Status != "succeeded" && i.Status != "canceled" {
			t.Errorf("it is left open: %+v", i)
		}
	}
}

// knowing is a provider that has asked for its account, without which no payment begins.
func knowing(t *testing.T, p *stripe.Provider) *stripe.Provider {
	t.Helper()
	if account, err := p.Account(t.Context()); err != nil || account != "stripe/test/acct_fake" {
		t.Fatal(account, err)
	}
	return p
}

// payAgain pays an order, as soon as whoever settled its last attempt lets go of it.
func payAgain(t *testing.T, d *payment.Desk, order uint64, user string) {
	t.Helper()
	paymenttest.Eventually(t, "it can be paid again", func() bool {
		return paymenttest.Pay(t, d, order, user, "pm_card_visa").State == sequencer.StatePaid
	})
}

// Every way in which a request can go wrong, at every request of a payment and of its
// refund: it is settled by asking, and the books agree.
func TestFaults(t *testing.T) {
	every := testenv.Pick(1, 8)
	for i, step := range fake.Steps() {
		for k, kind := range fake.FaultKinds() {
			if (i+k)%every != 0 {
				continue
			}
			t.Run(string(step)+","+string(kind), func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					faultOnce(t, fake.Fault{Step: step, Kind: kind, Times: 1, Delay: 50 * time.Millisecond})
				})
			})
		}
	}
}

func faultOnce(t *testing.T, fault fake.Fault) {
	a := newBubbleAccount(t)
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := paymenttest.QuickConfig()
	config.CallTimeout = 5 * time.Second
	d := paymenttest.NewDesk(t, config, n, a.provider(t))
	a.Inject(fault)
	seq := n.Buy(t, "ann")
	method := "pm_card_visa"
	if fault.Step == fake.StepCancel { // which only what has no outcome needs
		method = "pm_fake_processing"
	}
	if fault.Step == fake.StepAccount { // without which none begins
		paymenttest.Eventually(t, "an attempt begins", func() bool {
			_, err := d.Pay(t.Context(), payment.Request{Order: seq, Sale: 1, User: "ann", Method: method})
			return err == nil
		})
	} else {
		paymenttest.Pay(t, d, seq, "ann", method)
	}
	settled := func() bool { return n.UnsettledCount() == 0 }
	paymenttest.Eventually(t, "it is settled", settled)
	if n.StateOf(seq) == sequencer.StateReserved {
		payAgain(t, d, seq, "ann")
	}
	paymenttest.Eventually(t, "it is captured", settled)
	d.Close()
	if fault.Step == fake.StepDisputes { // which are looked at when there is one
		a.Dispute(paymenttest.Attempt{User: "ann", Seq: seq}.Charge(200, "EUR").Key, "won")
	}
	d = paymenttest.NewDesk(t, config, n, a.provider(t)) // which must look for the intent
	for range 2 {                                        // one of two tickets, and told again
		n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq, Quantity: 1, Key: sequencer.KeyDigest{1}})
		paymenttest.Eventually(t, "one is refunded", settled)
	}
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq})
	paymenttest.Eventually(t, "it is refunded", settled)
	if fault.Step == fake.StepList { // reading the books may fail, and is done again
		_, _ = d.Reconcile(t.Context())
	}
	found := paymenttest.MustAgree(t, n, d)
	if a.Pending() > 0 {
		t.Error("the fault was not met")
	}
	if !slices.Equal(found.Money, []payment.Takings{{Currency: "EUR", Captured: 200, Refunded: 200}}) {
		t.Errorf("%+v", found)
	}
}

// What went wrong on the way is sent again under the same key, and done once.
func TestRetries(t *testing.T) {
	for _, fault := range []fake.Fault{
		{Step: fake.StepCreate, Kind: fake.FaultUnsent}, {Step: fake.StepCreate, Kind: fake.FaultLost},
		{Step: fake.StepConfirm, Kind: fake.FaultUnsent}, {Step: fake.StepConfirm, Kind: fake.FaultLost},
	} {
		t.Run(string(fault.Step)+","+string(fault.Kind), func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, nil)
			config := stripe.DefaultConfig()
			config.Key, config.URL = apiKey, a.url
			p, err := stripe.New(config)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			fault.Times = 1
			a.Inject(fault)
			status, err := p.Authorise(t.Context(), charge("a"), "pm_card_visa")
			if err != nil || status.Phase != payment.Authorised {
				t.Errorf("%+v, %v", status, err)
			}
			if intents := a.Intents(); a.Pending() > 0 || len(intents) != 1 || intents[0].Authorisations != 1 {
				t.Errorf("%+v", intents)
			}
		})
	}
}
