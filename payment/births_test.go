package payment_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// cluster is one cluster on an account of the provider that it shares with others.
type cluster struct {
	*paymenttest.Node
	desk *payment.Desk
}

func newClusterOn(t testing.TB, books *sandbox.Books, id byte) *cluster {
	n := paymenttest.NewNodeBorn(t, sequencer.ClusterID{id}, sequencer.SaleSpec{Price: 4900})
	return &cluster{n, paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, books)}
}

// mustPay pays an order and fails unless it comes to a state.
func (c *cluster) mustPay(t testing.TB, order uint64, user, method string, want sequencer.OrderState) {
	t.Helper()
	if answer := paymenttest.Pay(t, c.desk, order, user, method); answer.State != want {
		t.Errorf("%s paid with %s: %+v", user, method, answer)
	}
}

// Two histories on one account give out one uid: next year's sale, or staging beside
// production. Who pays in one has paid nothing in the other.
func TestOneAccountTwoClusters(t *testing.T) { synctest.Test(t, testOneAccountTwoClusters) }

func testOneAccountTwoClusters(t *testing.T) {
	books := newBooks(t)
	first, second := newClusterOn(t, books, 1), newClusterOn(t, books, 2)
	alice, bob := first.Buy(t, "alice"), second.Buy(t, "bob")
	if a, b := first.Order(alice), second.Order(bob); a.UID() != b.UID() {
		t.Fatalf("the test is about one uid, not %s and %s", a.UID(), b.UID())
	}
	first.mustPay(t, alice, "alice", "tok_accept", sequencer.StatePaid)
	second.mustPay(t, bob, "bob", "tok_decline", sequencer.StateReserved)

	for _, c := range []*cluster{first, second} {
		found := paymenttest.MustAgree(t, c.Node, c.desk)
		if found.Charges != 1 || found.OtherCharges != 1 {
			t.Errorf("%+v", found)
		}
	}
	second.mustPay(t, bob, "bob", "tok_accept", sequencer.StatePaid)
	synctest.Wait()
	if entries := books.Entries(); len(entries) != 3 || entries[0].RefundedAmount != 0 || entries[2].Phase != payment.Captured {
		t.Errorf("%+v", entries)
	}
}

// After a restore a new buyer has another uid than the one whose order was lost, and that
// one's charge is not his; an order of before the backup finds what was paid for it since.
func TestPaymentsAfterARestore(t *testing.T) { synctest.Test(t, testPaymentsAfterARestore) }

func testPaymentsAfterARestore(t *testing.T) {
	books := newBooks(t)
	lost, restored := newClusterOn(t, books, 1), newClusterOn(t, books, 1)
	carol := lost.Buy(t, "carol")
	if again := restored.Buy(t, "carol"); again != carol {
		t.Fatal("both have what the backup has")
	}
	dave := lost.Buy(t, "dave")
	restored.Buy(t, "dave")
	alice := lost.Buy(t, "alice")
	lost.mustPay(t, dave, "dave", "tok_never", sequencer.StatePaying)
	paymenttest.Eventually(t, "his attempt is given up", func() bool { return lost.StateOf(dave) == sequencer.StateReserved })
	lost.mustPay(t, alice, "alice", "tok_accept", sequencer.StatePaid)
	lost.mustPay(t, carol, "carol", "tok_accept", sequencer.StatePaid)
	synctest.Wait()
	lost.SetLeader(sequencer.ErrNoLeader)

	restored.Born(t, sequencer.ClusterID{2}, sequencer.BirthRestore)
	bob := restored.Buy(t, "bob")
	if was, is := lost.Order(alice), restored.Order(bob); was.UID() == is.UID() {
		t.Errorf("bob has alice's uid %s", is.UID())
	}
	restored.mustPay(t, bob, "bob", "tok_decline", sequencer.StateReserved)
	restored.mustPay(t, carol, "carol", "tok_decline", sequencer.StatePaid)  // she paid, and pays nothing more
	restored.mustPay(t, dave, "dave", "tok_accept", sequencer.StateReserved) // a key that was cancelled stays so
	restored.mustPay(t, dave, "dave", "tok_accept", sequencer.StatePaid)
	synctest.Wait()
	found, err := restored.desk.Reconcile(t.Context())
	if err != nil || len(found.Differences) != 1 || found.Differences[0].Kind != payment.DifferenceUnknownOrder || found.Charges != 5 {
		t.Errorf("alice's charge is one of an order that was never made: %+v, %v", found, err)
	}
}

// A charge under our key that is another buyer's is never this order's payment: not when it
// is authorised, asked about, captured or given back.
func TestAnotherBuyersCharge(t *testing.T) { synctest.Test(t, testAnotherBuyersCharge) }

func testAnotherBuyersCharge(t *testing.T) {
	var silent atomic.Bool
	s := newScene(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Unsent: silent.Load() && call == paymenttest.CallAuthorise}
	})
	take := func(seq uint64, attempt uint8) { // somebody copied our data folder by hand
		t.Helper()
		c := paymenttest.Attempt{User: "mallory", Seq: seq, Number: attempt}.Charge(200, "EUR")
		if _, err := s.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
			t.Fatal(err)
		}
	}
	begins := func(user string) uint64 {
		seq := s.Buy(t, user)
		s.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: seq, User: []byte(user), Amount: 200, Reference: []byte(paymenttest.Account)})
		return seq
	}

	ann := s.Buy(t, "ann")
	take(ann, 1)
	if answer := paymenttest.Pay(t, s.desk, ann, "ann", "tok_accept"); answer.Code != sequencer.CodeOK || answer.State != sequencer.StateReserved {
		t.Errorf("her first attempt is over: %+v", answer)
	}
	if answer := paymenttest.Pay(t, s.desk, ann, "ann", "tok_accept"); answer.State != sequencer.StatePaid || answer.Attempt != 2 {
		t.Errorf("she pays with the next: %+v", answer)
	}

	silent.Store(true)
	bob := s.Buy(t, "bob")
	take(bob, 1)
	if answer := paymenttest.Pay(t, s.desk, bob, "bob", "tok_accept"); answer.State != sequencer.StatePaying {
		t.Errorf("%+v", answer)
	}
	paymenttest.Eventually(t, "asking shows whose it is", func() bool { return s.StateOf(bob) == sequencer.StateReserved })

	carol, dave := begins("carol"), begins("dave") // by the last leader: no time passes, so that nobody settles
	take(carol, 1)
	take(dave, 1)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: carol, Attempt: 1, Outcome: sequencer.PayAccepted})
	s.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: dave, Attempt: 1, Outcome: sequencer.PayAccepted})
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: dave})
	time.Sleep(time.Second)
	if view := s.Order(carol); view.State != sequencer.StatePaid || !view.CaptureDue {
		t.Errorf("noted as captured: %+v", view)
	}
	if view := s.Order(dave); view.VoidsDue != 1 {
		t.Errorf("noted as given back: %+v", view)
	}
	for _, e := range s.books.Entries() {
		if e.Buyer == payment.BuyerDigest(paymenttest.BirthID(), "mallory") && e.Phase != payment.Authorised {
			t.Errorf("somebody moved another's money: %+v", e)
		}
	}
	for _, call := range []string{"authorise", "find", "capture", "return"} {
		if metricOf(t, s.desk, `onsale_payment_conflicts_total{call="`+call+`"}`) == 0 {
			t.Errorf("no alarm for %s", call)
		}
	}
	found, err := s.desk.Reconcile(t.Context())
	if err != nil || len(found.Differences) != 2 || found.Unsettled != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, difference := range found.Differences {
		if difference.Kind != payment.DifferenceBuyer {
			t.Errorf("%+v", difference)
		}
	}
}

// A copy speaks to nobody about what was sold before it: that is another cluster's. What it
// sells itself is paid as ever.
func TestCopy(t *testing.T) { synctest.Test(t, testCopy) }

func testCopy(t *testing.T) {
	books := newBooks(t)
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	var mu sync.Mutex
	asked := map[string]bool{}
	line := &paymenttest.Faulty{Provider: books, Fault: func(_ paymenttest.CallName, c payment.Charge) paymenttest.Fault {
		mu.Lock()
		defer mu.Unlock()
		asked[c.Order] = true
		return paymenttest.Fault{}
	}}
	orders := map[string]uint64{}
	for _, user := range []string{"reserved", "paying", "capture due", "void due", "paid"} {
		orders[user] = n.Buy(t, user)
		if user != "reserved" {
			n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: orders[user], User: []byte(user), Amount: 200, Reference: []byte(paymenttest.Account)})
		}
		if user != "reserved" && user != "paying" {
			n.Tell(t, sequencer.Command{Kind: sequencer.KindPayResult, Order: orders[user], Attempt: 1, Outcome: sequencer.PayAccepted})
		}
	}
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: orders["void due"]})
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayCaptured, Order: orders["paid"], Attempt: 1, Amount: 200})

	n.Born(t, sequencer.ClusterID{7}, sequencer.BirthCopy)
	own := n.Buy(t, "own") // the first of this cluster
	n.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: own, User: []byte("own"), Amount: 200, Reference: []byte(paymenttest.Account)})
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), n, line)
	_, err := d.Pay(t.Context(), payment.Request{Order: orders["reserved"], Sale: 1, User: "reserved", Method: "tok_accept"})
	if !errors.Is(err, payment.ErrForeign) {
		t.Error(err)
	}
	n.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: orders["paid"]})
	paymenttest.Eventually(t, "what a leader left is settled", func() bool { return n.StateOf(own) == sequencer.StateReserved })
	if answer := paymenttest.Pay(t, d, own, "own", "tok_accept"); answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}
	time.Sleep(time.Minute)

	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 1 || !asked[sequencer.FormatUID(1, own)] {
		t.Errorf("the provider was asked about %v", asked)
	}
	found, err := d.Reconcile(t.Context())
	if err != nil || found.ForeignOrders != 4 || found.Orders != 1 || found.Charges != 2 || len(found.Differences) != 0 || found.Unsettled != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	mustShow(t, d, map[string]float64{"onsale_payment_foreign": 4, "onsale_payment_unsettled": 0,
		`onsale_payment_attempts_total{result="refused"}`: 1})
}

// A buyer's digest depends on the cluster and on the whole user id.
func TestBuyerDigest(t *testing.T) {
	one, two := sequencer.ClusterID{1}, sequencer.ClusterID{2}
	seen := map[string]bool{}
	for _, digest := range []string{
		payment.BuyerDigest(one, "ann"), payment.BuyerDigest(two, "ann"), payment.BuyerDigest(one, "anna"),
		payment.BuyerDigest(one, ""), payment.BuyerDigest(one, strings.Repeat("x", sequencer.UserBytesMax)),
	} {
		if seen[digest] || len(digest) != 32 {
			t.Errorf("digest %q", digest)
		}
		seen[digest] = true
	}
	// Charges of years ago are compared with it: it never changes.
	if got := payment.BuyerDigest(one, "ann"); got != "562d8b71550f46f8e41e2d3304f60058" {
		t.Errorf("the digest of a buyer is another one now: %s", got)
	}
}
