package payment_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// These tests are in bubbles: the desk's times and the sandbox' pass while all wait, so
// that a slow machine is no late provider, and nothing is settled between two steps of a
// test that do not wait.

// newBooks returns a sandbox in memory that ends with the test.
func newBooks(t testing.TB) *sandbox.Books {
	t.Helper()
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	return books
}

// The leader dies at every step of the protocol.
func TestCrashAtEveryStep(t *testing.T) {
	with := sandboxCrashes()
	with.Passes = 6
	paymenttest.CrashAtEveryStep(t, with)
}

// sandboxCrashes has a payment of each kind that comes to something else.
func sandboxCrashes() paymenttest.Crashes {
	return paymenttest.Crashes{
		Open:    func(t testing.TB) payment.Provider { return newBooks(t) },
		Methods: []string{"tok_accept", "tok_decline", "tok_delay_30ms", "tok_lost", "tok_late_60ms", "tok_never"},
		Good:    "tok_accept", NeverPay: []string{"tok_decline", "tok_never"}, Bounces: "tok_refund_fails_30ms", Disputed: "tok_disputed_20ms",
		Passes: 3, CallTimeout: 40 * time.Millisecond,
	}
}

// fileBooks are a sandbox' books in a file.
type fileBooks struct {
	*sandbox.Books
	config sandbox.Config
}

func openFileBooks(t testing.TB, config sandbox.Config) payment.Provider {
	t.Helper()
	books, err := sandbox.Open(config)
	if err != nil {
		t.Error(err) // not always on the test's goroutine
		return nil
	}
	t.Cleanup(func() { books.Close() })
	return &fileBooks{books, config}
}

// The provider dies at every step, and comes back with what is in its file: the leader asks on.
func TestProviderDiesAtEveryStep(t *testing.T) {
	with := sandboxCrashes()
	with.ProviderDies = true
	with.Open = func(t testing.TB) payment.Provider {
		config := sandbox.DefaultConfig()
		config.Account, config.Path = paymenttest.AccountID, filepath.Join(t.TempDir(), "books.jsonl")
		return openFileBooks(t, config)
	}
	with.Reopen = func(t testing.TB, was payment.Provider) payment.Provider {
		before := was.(*fileBooks)
		before.Close()
		return openFileBooks(t, before.config)
	}
	paymenttest.CrashAtEveryStep(t, with)
}

// The same at a provider that answers 429: the line is lost with the leader, and nothing else.
func TestCrashAtEveryStepThrottled(t *testing.T) {
	with := sandboxCrashes()
	with.Throttles = true
	paymenttest.CrashAtEveryStep(t, with)
}

// What each payment method comes to.
func TestMethods(t *testing.T) { synctest.Test(t, testMethods) }

func testMethods(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	config := paymenttest.QuickConfig()
	config.AbandonAfter = 2 * time.Second // beyond every outcome that comes
	d := paymenttest.NewDesk(t, config, n, books)
	cases := []struct {
		method string
		told   sequencer.OrderState
		reason sequencer.PayReason
		then   sequencer.OrderState
	}{
		{"tok_accept", sequencer.StatePaid, 0, sequencer.StatePaid},
		{"tok_decline", sequencer.StateReserved, sequencer.ReasonDeclined, sequencer.StateReserved},
		{"tok_insufficient_funds", sequencer.StateReserved, sequencer.ReasonInsufficientFunds, sequencer.StateReserved},
		{"tok_expired", sequencer.StateReserved, sequencer.ReasonExpiredMethod, sequencer.StateReserved},
		{"nonsense", sequencer.StateReserved, sequencer.ReasonUnknownMethod, sequencer.StateReserved},
		{"tok_delay_50ms", sequencer.StatePaid, 0, sequencer.StatePaid},
		{"tok_delay_900ms", sequencer.StatePaying, 0, sequencer.StatePaid}, // longer than a call may take
		{"tok_lost", sequencer.StatePaying, 0, sequencer.StatePaid},
		{"tok_late_100ms", sequencer.StatePaying, 0, sequencer.StatePaid},
		{"tok_never", sequencer.StatePaying, 0, sequencer.StateReserved}, // abandoned
	}
	for _, c := range cases {
		seq := n.Buy(t, c.method)
		answer := paymenttest.Pay(t, d, seq, c.method, c.method)
		if answer.State != c.told || answer.Reason != c.reason || answer.Attempt != 1 {
			t.Errorf("%s: told %+v", c.method, answer)
		}
		if inFlight := answer.Code == sequencer.CodePaymentInFlight; inFlight != (c.told == sequencer.StatePaying) {
			t.Errorf("%s: code %v in state %v", c.method, answer.Code, answer.State)
		}
		paymenttest.Eventually(t, c.method+" is "+c.then.String(), func() bool { return n.StateOf(seq) == c.then })
	}
	found := paymenttest.MustAgree(t, n, d)
	if found.Charges != len(cases) || found.Orders != len(cases) || !slices.Equal(found.Money, []payment.Takings{{Currency: "EUR", Captured: 5 * 200, Orders: 5 * 200}}) {
		t.Errorf("%+v", found)
	}
}

// However often and from wherever an order is paid, it is charged once.
func TestManyTabs(t *testing.T) { synctest.Test(t, testManyTabs) }

func testManyTabs(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	desks := []*payment.Desk{paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books), paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)}
	seq := n.Buy(t, "ann")
	var clicks sync.WaitGroup
	var mu sync.Mutex
	codes := map[sequencer.Code]int{}
	for i := range 100 {
		clicks.Go(func() {
			answer := paymenttest.Pay(t, desks[i%2], seq, "ann", "tok_delay_20ms")
			mu.Lock()
			defer mu.Unlock()
			codes[answer.Code]++
		})
	}
	clicks.Wait()
	if ok := codes[sequencer.CodeOK]; ok < 1 || ok > 9 || codes[sequencer.CodeOK]+codes[sequencer.CodePaymentInFlight]+codes[sequencer.CodeAlreadyPaid] != 100 {
		t.Errorf("%v", codes)
	}
	if answer := paymenttest.Pay(t, desks[0], seq, "ann", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 1 {
		t.Errorf("paid again: %+v", answer)
	}
	if found := paymenttest.MustAgree(t, n, desks[0]); found.Charges != 1 || found.Money[0].Captured != 200 {
		t.Errorf("%+v", found)
	}
	if answer := paymenttest.Pay(t, desks[0], seq, "bob", "tok_accept"); answer.Code != sequencer.CodeUnknownOrder {
		t.Errorf("somebody else's order: %+v", answer)
	}
}

// Who is told that a card was declined may try the next one in the same instant.
func TestNextAttemptAtOnce(t *testing.T) { synctest.Test(t, testNextAttemptAtOnce) }

func testNextAttemptAtOnce(t *testing.T) {
	s := newScene(t, faultless)
	for i := range 300 { // more than once: what was wrong was a race
		user := fmt.Sprint("buyer-", i)
		seq := s.Buy(t, user)
		for attempt := range uint8(3) {
			answer := paymenttest.Pay(t, s.desk, seq, user, "tok_decline")
			if answer.Code != sequencer.CodeOK || answer.State != sequencer.StateReserved || answer.Attempt != attempt+1 {
				t.Fatalf("%s's attempt %d: %+v", user, attempt+1, answer)
			}
		}
	}
}

// A paid order is paid, also while its money is being captured.
func TestPaidWhileCapturing(t *testing.T) { synctest.Test(t, testPaidWhileCapturing) }

func testPaidWhileCapturing(t *testing.T) {
	captured := make(chan struct{})
	s := newScene(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		if call == paymenttest.CallCapture {
			<-captured
		}
		return paymenttest.Fault{}
	})
	seq := s.Buy(t, "ann")
	for range 2 {
		answer := paymenttest.Pay(t, s.desk, seq, "ann", "tok_accept")
		if answer.State != sequencer.StatePaid || answer.Code == sequencer.CodePaymentInFlight || answer.Attempt != 1 {
			t.Errorf("%+v", answer)
		}
	}
	close(captured)
	if found := paymenttest.MustAgree(t, s.Node, s.desk); found.Charges != 1 {
		t.Errorf("%+v", found)
	}
}

// A hold that ends while the provider thinks does not end the order; money that comes
// after the order is gone goes back.
func TestHoldEnds(t *testing.T) { synctest.Test(t, testHoldEnds) }

func testHoldEnds(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Hold: int64(time.Minute), Grace: int64(time.Minute)}), newBooks(t)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)

	last := n.Buy(t, "last-second")
	n.Pass(time.Minute - 1)
	told := make(chan payment.Answer)
	go func() { told <- paymenttest.Pay(t, d, last, "last-second", "tok_delay_100ms") }()
	paymenttest.Eventually(t, "it begins", func() bool { return n.StateOf(last) == sequencer.StatePaying })
	n.Pass(30 * time.Second)
	if answer := <-told; answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}

	late := n.Buy(t, "late")
	n.Pass(time.Minute)
	if answer := paymenttest.Pay(t, d, late, "late", "tok_accept"); answer.Code != sequencer.CodeSessionExpired {
		t.Errorf("%+v", answer)
	}

	// Never an outcome, beyond the hard limit: cancelled at the provider. Its call failed, so
	// that there are ten minutes for another one, and then it expires.
	never := n.Buy(t, "never")
	paymenttest.Pay(t, d, never, "never", "tok_never")
	n.Pass(2*time.Minute + 1)
	paymenttest.Eventually(t, "it is cancelled", func() bool { return n.StateOf(never) == sequencer.StateReserved })
	if view := n.Order(never); view.Reason != sequencer.ReasonUnavailable {
		t.Errorf("%+v", view)
	}
	n.Pass(sequencer.PaymentLeeway)
	if state := n.StateOf(never); state != sequencer.StateExpired {
		t.Errorf("%s", state)
	}
	paymenttest.MustAgree(t, n, d)
	if last := books.Entries()[len(books.Entries())-1]; last.Phase != payment.Cancelled {
		t.Errorf("%+v", last)
	}
}

// A success that becomes known after its attempt was given up is given back, and so is
// what the seller refunds, captured or not, and what was paid for a cancelled sale.
func TestMoneyGoesBack(t *testing.T) { synctest.Test(t, testMoneyGoesBack) }

func testMoneyGoesBack(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)

	late := n.Buy(t, "late")
	paymenttest.Pay(t, d, late, "late", "tok_late_150ms")
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: late, Attempt: 1, Outcome: sequencer.PayRejected})
	n.Tell(t, sequencer.Command{Kind: sequencer.KindCancel, Order: late, User: []byte("late")})
	paymenttest.Eventually(t, "the books have the money", func() bool { return books.Entries()[0].Phase == payment.Authorised })
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: late, Attempt: 1, Outcome: sequencer.PayAccepted})
	paymenttest.Eventually(t, "the money goes back", func() bool { return books.Entries()[0].Phase == payment.Cancelled })

	refunded := n.Buy(t, "refunded")
	paymenttest.Pay(t, d, refunded, "refunded", "tok_accept")
	paymenttest.MustAgree(t, n, d)
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: refunded})
	paymenttest.Eventually(t, "the refund", func() bool { return books.Entries()[1].Phase == payment.Refunded })

	paid, paying := n.Buy(t, "paid"), n.Buy(t, "paying")
	paymenttest.Pay(t, d, paid, "paid", "tok_accept")
	paymenttest.Pay(t, d, paying, "paying", "tok_late_100ms")
	n.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1})
	paymenttest.Eventually(t, "both are over", func() bool {
		return n.StateOf(paid) == sequencer.StateRefunded && n.StateOf(paying) == sequencer.StateCancelled
	})
	if found := paymenttest.MustAgree(t, n, d); len(found.Money) != 1 || found.Money[0].Captured != found.Money[0].Refunded {
		t.Errorf("%+v", found)
	}
}

// What is free needs no provider.
func TestFree(t *testing.T) { synctest.Test(t, testFree) }

func testFree(t *testing.T) {
	n := paymenttest.NewNode(t, sequencer.SaleSpec{})
	books := newBooks(t)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)
	seq := n.Buy(t, "ann")
	if answer := paymenttest.Pay(t, d, seq, "ann", "nonsense"); answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: seq})
	if found := paymenttest.MustAgree(t, n, d); found.Charges != 0 || n.StateOf(seq) != sequencer.StateRefunded {
		t.Errorf("%+v", found)
	}
}

// Beyond its bound the desk says so, and a desk whose node does not lead does nothing.
func TestBounds(t *testing.T) { synctest.Test(t, testBounds) }

func testBounds(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	c := paymenttest.QuickConfig()
	c.PaymentsMax = 1
	d := paymenttest.NewDesk(t, c, n, books)
	first, second := n.Buy(t, "first"), n.Buy(t, "second")
	go func() { paymenttest.Pay(t, d, first, "first", "tok_delay_200ms") }()
	paymenttest.Eventually(t, "it begins", func() bool { return n.StateOf(first) == sequencer.StatePaying })
	request := payment.Request{Order: second, Sale: 1, User: "second", Method: "tok_accept"}
	if _, err := d.Pay(context.Background(), request); !errors.Is(err, sequencer.ErrOverloaded) {
		t.Error(err)
	}
	if state := n.StateOf(second); state != sequencer.StateReserved {
		t.Error(state)
	}
	paymenttest.MustAgree(t, n, d)
	n.SetLeader(&sequencer.NotLeaderError{LeaderID: "n2"})
	if _, err := d.Pay(context.Background(), request); !errors.Is(err, sequencer.ErrNoLeader) {
		t.Error(err)
	}
	if err := d.Notice("sandbox", "", nil); !errors.Is(err, sequencer.ErrNoLeader) {
		t.Error(err)
	}
}

// Reconciling names each kind of difference.
func TestReconcileFinds(t *testing.T) { synctest.Test(t, testReconcileFinds) }

func testReconcileFinds(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	ctx := context.Background()
	charge := func(seq uint64, attempt uint8, amount int64) payment.Charge {
		return paymenttest.Attempt{User: n.Order(seq).User, Seq: seq, Number: attempt}.Charge(amount, "EUR")
	}
	want := map[string]payment.Difference{}
	expect := func(kind string, c payment.Charge) {
		want[c.Key] = payment.Difference{Kind: kind, Key: c.Key, Order: c.Order, Amount: c.Amount, Currency: c.Currency}
	}
	begin := func(order uint64, user string) {
		n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: []byte(user), Amount: 200, Reference: []byte(paymenttest.Account)})
	}
	result := func(order uint64, attempt uint8, outcome sequencer.PayOutcome) {
		n.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: attempt, Outcome: outcome})
	}
	take := func(c payment.Charge) {
		books.Authorise(ctx, c, "tok_accept")
		books.Capture(ctx, c, c.Amount)
	}

	kept := n.Buy(t, "k") // voided here, taken there; before there is a desk that would give it back
	take(charge(kept, 1, 200))
	begin(kept, "k")
	result(kept, 1, sequencer.PayAccepted)
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayCaptured, Order: kept, Attempt: 1, Amount: 200})
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: kept})
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayVoided, Order: kept, Attempt: 1, Outcome: sequencer.PayRefunded})

	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)
	twice := n.Buy(t, "t") // two attempts took money
	take(charge(twice, 1, 200))
	take(charge(twice, 2, 200))
	begin(twice, "t")
	result(twice, 1, sequencer.PayRejected)
	begin(twice, "t")
	result(twice, 2, sequencer.PayAccepted)
	expect(payment.DifferenceNotPaid, charge(twice, 1, 200))
	expect(payment.DifferenceTwice, charge(twice, 2, 200))

	foreign := n.Buy(t, "f") // the right number of the wrong money
	dollars := charge(foreign, 1, 200)
	dollars.Currency = "USD"
	books.Authorise(ctx, dollars, "tok_decline")
	begin(foreign, "f")
	result(foreign, 1, sequencer.PayRejected)
	expect(payment.DifferenceAmount, dollars)

	refunded := n.Buy(t, "a")
	paymenttest.Pay(t, d, refunded, "a", "tok_accept")
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: refunded})
	paymenttest.Eventually(t, "the money is back", func() bool { return n.UnsettledCount() == 0 })

	hidden := n.Buy(t, "b") // paid here, unknown there
	begin(hidden, "b")
	result(hidden, 1, sequencer.PayAccepted)
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayCaptured, Order: hidden, Attempt: 1, Amount: 200})
	expect(payment.DifferenceNoCharge, charge(hidden, 1, 200))

	uncaptured := n.Buy(t, "c")
	books.Authorise(ctx, charge(uncaptured, 1, 200), "tok_accept")
	begin(uncaptured, "c")
	result(uncaptured, 1, sequencer.PayAccepted)
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayCaptured, Order: uncaptured, Attempt: 1, Amount: 200})
	expect(payment.DifferenceNotCaptured, charge(uncaptured, 1, 200))

	rejected := n.Buy(t, "d") // rejected here, taken there
	books.Authorise(ctx, charge(rejected, 1, 200), "tok_accept")
	begin(rejected, "d")
	result(rejected, 1, sequencer.PayRejected)
	expect(payment.DifferenceNotPaid, charge(rejected, 1, 200))

	dear := n.Buy(t, "e")
	books.Authorise(ctx, charge(dear, 1, 999), "tok_decline")
	begin(dear, "e")
	result(dear, 1, sequencer.PayRejected)
	expect(payment.DifferenceAmount, charge(dear, 1, 999))

	books.Authorise(ctx, charge(77777, 1, 5), "tok_accept")
	expect(payment.DifferenceUnknownOrder, charge(77777, 1, 5))
	again := charge(refunded, 1, 200) // under a key that is no attempt's
	again.Key += "-again"
	books.Authorise(ctx, again, "tok_accept")
	expect(payment.DifferenceUnknownOrder, again)
	books.Authorise(ctx, payment.Charge{Key: "of another system", Amount: 1, Currency: "EUR"}, "tok_accept")

	found, err := d.Reconcile(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if view := n.Order(kept); view.Bounced != 1 || view.Voided != 1 {
		t.Errorf("money that was said to be back, and was not, is due again and goes: %+v", view)
	}
	got := map[string]payment.Difference{}
	for _, difference := range found.Differences {
		if difference.Detail == "" {
			t.Errorf("%+v says nothing", difference)
		}
		difference.Detail = ""
		got[difference.Key] = difference
	}
	if !maps.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// A webhook settles at once what would have waited, however often it comes; what is
// not signed is refused.
func TestNotice(t *testing.T) { synctest.Test(t, testNotice) }

func testNotice(t *testing.T) {
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	config.Secrets = [][]byte{[]byte("a secret")}
	var d *payment.Desk
	notices := make(chan error, 100)
	config.Notify = func(signature string, body []byte) { notices <- d.Notice("sandbox", signature, body) }
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	c := paymenttest.QuickConfig()
	c.SettleInterval, c.RetryPauseMax = time.Hour, time.Hour // nothing happens unless something wakes it
	d = paymenttest.NewDesk(t, c, n, books)
	for _, method := range []string{"tok_double_webhook", "tok_late_100ms"} {
		seq := n.Buy(t, method)
		paymenttest.Pay(t, d, seq, method, method)
		paymenttest.Eventually(t, method, func() bool { return n.StateOf(seq) == sequencer.StatePaid })
		if err := <-notices; err != nil {
			t.Error(err)
		}
	}
	for _, signature := range []string{"", "t=1,v1=00", payment.Sign([]byte("other"), []byte("{}"), time.Now())} {
		if err := d.Notice("sandbox", signature, []byte("{}")); !errors.Is(err, payment.ErrNotice) {
			t.Errorf("%q: %v", signature, err)
		}
	}
	if err := d.Notice("stripe", "", nil); !errors.Is(err, payment.ErrNotice) {
		t.Error(err)
	}
}

func TestSignature(t *testing.T) {
	old, fresh, body, now := []byte("old"), []byte("fresh"), []byte("body"), time.Unix(1_800_000_000, 0)
	both := [][]byte{fresh, old}
	for name, c := range map[string]struct {
		signature string
		good      bool
	}{
		"fresh": {payment.Sign(fresh, body, now), true}, "second": {payment.Sign(old, body, now), true},
		"two":      {payment.Sign(old, body, now) + ",v1=00", true},
		"other":    {payment.Sign([]byte("x"), body, now), false},
		"body":     {payment.Sign(fresh, []byte("another body"), now), false},
		"time":     {strings.Replace(payment.Sign(fresh, body, now), "t=1800000000", "t=1800000001", 1), false},
		"old":      {payment.Sign(fresh, body, now.Add(-payment.SignatureTolerance)), true},
		"new":      {payment.Sign(fresh, body, now.Add(payment.SignatureTolerance)), true},
		"too old":  {payment.Sign(fresh, body, now.Add(-payment.SignatureTolerance-time.Second)), false},
		"too new":  {payment.Sign(fresh, body, now.Add(payment.SignatureTolerance+time.Second)), false},
		"no time":  {"v1=00", false},
		"bad time": {"t=x,v1=00", false},
		"empty":    {"", false},
	} {
		err := payment.Verify(both, c.signature, body, now)
		if (err == nil) != c.good || err != nil && !errors.Is(err, payment.ErrNotice) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A leader that was deposed and has not heard of it does not deny an order that its
// successor decided.
func TestDeposedLeaderDeniesNothing(t *testing.T) { synctest.Test(t, testDeposedLeaderDeniesNothing) }

func testDeposedLeaderDeniesNothing(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)
	request := payment.Request{Order: 1000, Sale: 1, User: "ann", Method: "tok_accept"}
	if answer, err := d.Pay(context.Background(), request); err != nil || answer.Code != sequencer.CodeUnknownOrder {
		t.Errorf("unknown order: %+v %v", answer, err)
	}
	n.Depose()
	if answer, err := d.Pay(context.Background(), request); !errors.Is(err, sequencer.ErrNoLeader) {
		t.Errorf("deposed: %+v %v", answer, err)
	}
}
