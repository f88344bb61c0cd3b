package payment_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// atOnce is what a replica that is never behind does to catch up.
func atOnce(context.Context) error { return nil }

// lostBy asks for a charge's money to go back.
func lostBy(key string) payment.RefundRequest {
	return payment.RefundRequest{Key: key, Reason: "lost", Actor: "ann"}
}

// lostAndRestored is a cluster that was restored from a backup, and what was paid in the
// history that was lost since.
type lostAndRestored struct {
	*scene
	alice, carol payment.Charge // of a lost order; of an order of the backup
	carols       uint64
}

func newLostAndRestored(t *testing.T, fault func(paymenttest.CallName, payment.Charge) paymenttest.Fault) *lostAndRestored {
	s := newScene(t, fault)
	lost := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100})
	d := paymenttest.NewDesk(t, paymenttest.QuickConfig(), lost, s.books)
	l := &lostAndRestored{scene: s, carols: s.Buy(t, "carol")}
	carol, alice := lost.Buy(t, "carol"), lost.Buy(t, "alice")
	paymenttest.Pay(t, d, alice, "alice", "tok_accept")
	paymenttest.Pay(t, d, carol, "carol", "tok_accept")
	paymenttest.MustAgree(t, lost, d)
	lost.SetLeader(sequencer.ErrNoLeader)

	s.Born(t, sequencer.ClusterID{2}, sequencer.BirthRestore)
	l.alice = paymenttest.Attempt{User: "alice", Seq: alice}.Charge(200, "EUR")
	l.carol = paymenttest.Attempt{User: "carol", Seq: carol}.Charge(200, "EUR")
	return l
}

func (l *lostAndRestored) mustList(t *testing.T, want map[string]string) {
	t.Helper()
	found, err := l.desk.Orphans(t.Context(), atOnce)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range found.Orphans {
		got[o.Key] = o.Why
		if o.Phase != payment.Captured || o.CapturedAmount != 200 || o.RefundedAmount != 0 || o.CreatedAt.IsZero() || o.Order == "" || o.Amount != 200 {
			t.Errorf("%+v", o)
		}
	}
	for key, why := range want {
		if got[key] != why {
			t.Errorf("%s is %q, want %q", key, got[key], why)
		}
	}
	if len(got) != len(want) || found.More {
		t.Errorf("%+v", found)
	}
}

// What was paid in a history that is lost is listed by buyer and goes back once, however
// often and by how many it is asked for.
func TestOrphans(t *testing.T) { synctest.Test(t, testOrphans) }

func testOrphans(t *testing.T) {
	var lose atomic.Bool
	l := newLostAndRestored(t, func(call paymenttest.CallName, _ payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Lost: lose.Load() && call == paymenttest.CallReturn}
	})
	bob := l.Buy(t, "bob")
	paymenttest.Pay(t, l.desk, bob, "bob", "tok_accept")
	l.mustList(t, map[string]string{l.alice.Key: payment.OrphanNoOrder})
	found, err := l.desk.Orphans(t.Context(), atOnce)
	if err != nil || found.Charges != 3 || found.Orphans[0].Buyer != payment.BuyerDigest(paymenttest.BirthID(), "alice") {
		t.Errorf("%+v, %v", found, err)
	}

	refund := func() (*payment.OrphanRefund, error) {
		return l.desk.RefundOrphan(t.Context(), lostBy(l.alice.Key), atOnce)
	}
	lose.Store(true)
	if record, err := refund(); !errors.Is(err, sequencer.ErrOutcomeUnknown) {
		t.Errorf("the answer is lost: %+v, %v", record, err)
	}
	lose.Store(false)
	var twice sync.WaitGroup
	for range 2 {
		twice.Go(func() {
			record, err := refund()
			if err != nil || record.Phase != payment.Refunded || record.Buyer != l.alice.Buyer || record.Amount != 200 || record.Reason != "lost" || record.Actor != "ann" {
				t.Errorf("%+v, %v", record, err)
			}
		})
	}
	twice.Wait()
	l.mustList(t, nil)
	if e := l.books.Entries()[0]; e.Key != l.alice.Key || e.RefundedAmount != 200 {
		t.Errorf("%+v", e)
	}

	l.Pass(2 * time.Hour) // carol does not come back in her hour
	l.mustList(t, map[string]string{l.carol.Key: payment.OrphanNoAttempt})
	record, err := l.desk.RefundOrphan(t.Context(), lostBy(l.carol.Key), atOnce)
	if err != nil || record.Before != payment.Captured || record.Phase != payment.Refunded {
		t.Errorf("%+v, %v", record, err)
	}
	l.mustList(t, nil)
	if found := paymenttest.MustAgree(t, l.Node, l.desk); found.LostCharges != 2 || found.Orders != 1 {
		t.Errorf("%+v", found)
	}
	paymenttest.Pay(t, l.desk, bob, "bob", "tok_accept")
	if e := l.books.Entries()[2]; e.Phase != payment.Captured || e.RefundedAmount != 0 {
		t.Errorf("bob's is no orphan: %+v", e)
	}
	mustShow(t, l.desk, map[string]float64{`onsale_payment_settled_total{step="orphan_refunded"}`: 1})
}

// The list of orphans is cut at its bound, the oldest first, and says so.
func TestManyOrphans(t *testing.T) { synctest.Test(t, testManyOrphans) }

func testManyOrphans(t *testing.T) {
	l := newLostAndRestored(t, faultless)
	for i := range payment.OrphansMax {
		time.Sleep(time.Millisecond)
		c := paymenttest.Attempt{User: "alice", Seq: uint64(1000 + i)}.Charge(200, "EUR")
		if _, err := l.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
			t.Fatal(err)
		}
	}
	found, err := l.desk.Orphans(t.Context(), atOnce)
	if err != nil || len(found.Orphans) != payment.OrphansMax || !found.More || found.Orphans[0].Key != l.alice.Key {
		t.Fatalf("%d orphans, more: %v, %v", len(found.Orphans), found.More, err)
	}
	if _, err := l.desk.RefundOrphan(t.Context(), lostBy(l.alice.Key), atOnce); err != nil {
		t.Fatal(err)
	}
	if found, err = l.desk.Orphans(t.Context(), atOnce); err != nil || len(found.Orphans) != payment.OrphansMax || found.More {
		t.Errorf("%d orphans, more: %v, %v", len(found.Orphans), found.More, err)
	}
}

// Who comes back in time pays with what was paid, and then it is no orphan.
func TestOrphanComesHome(t *testing.T) { synctest.Test(t, testOrphanComesHome) }

func testOrphanComesHome(t *testing.T) {
	l := newLostAndRestored(t, faultless)
	if answer := paymenttest.Pay(t, l.desk, l.carols, "carol", "tok_decline"); answer.State != sequencer.StatePaid {
		t.Errorf("%+v", answer)
	}
	l.Pass(2 * time.Hour)
	l.mustList(t, map[string]string{l.alice.Key: payment.OrphanNoOrder})
	mustNotBeOrphan(t, l.desk, l.carol.Key)
}

func mustNotBeOrphan(t *testing.T, d *payment.Desk, key string) {
	t.Helper()
	if record, err := d.RefundOrphan(t.Context(), lostBy(key), atOnce); !errors.Is(err, payment.ErrNotOrphan) {
		t.Errorf("%s: %+v, %v", key, record, err)
	}
}

// What is of an order that is here, of another cluster, or nothing at all, is no orphan.
func TestNoOrphans(t *testing.T) { synctest.Test(t, testNoOrphans) }

func testNoOrphans(t *testing.T) {
	l := newLostAndRestored(t, faultless)
	bob := l.Buy(t, "bob")
	paymenttest.Pay(t, l.desk, bob, "bob", "tok_accept")
	synctest.Wait()
	own := l.books.Entries()[2].Key
	born := sequencer.ClusterID{2}
	for name, c := range map[string]payment.Charge{
		"an attempt that its buyer may still make": l.carol,
		"another cluster's":                        paymenttest.Attempt{Birth: sequencer.ClusterID{9}, User: "eve", Seq: 9}.Charge(200, "EUR"),
		"of a seq that is not decided":             paymenttest.Attempt{Birth: born, User: "eve", Seq: bob + 1000}.Charge(200, "EUR"),
		"of another number":                        paymenttest.Attempt{User: "eve", Seq: 9 | 3<<56}.Charge(200, "EUR"),
		"another buyer's attempt":                  paymenttest.Attempt{Birth: born, User: "eve", Seq: bob, Number: 2}.Charge(200, "EUR"),
		"under another key": {Key: "of another system", Order: l.alice.Order, Birth: l.alice.Birth,
			Buyer: l.alice.Buyer, Amount: 5, Currency: "EUR"},
	} {
		t.Log(name)
		if _, err := l.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
			t.Fatal(err)
		}
		mustNotBeOrphan(t, l.desk, c.Key)
	}
	mustNotBeOrphan(t, l.desk, own)
	mustNotBeOrphan(t, l.desk, "nothing")
	mustNotBeOrphan(t, l.desk, paymenttest.Attempt{User: "alice", Seq: 5, Number: 2}.Charge(1, "EUR").Key)
	l.mustList(t, map[string]string{l.alice.Key: payment.OrphanNoOrder})
}

// A replica that is behind lists nothing that is on its way to it, and without catching up
// nothing is said at all.
func TestOrphansBehind(t *testing.T) { synctest.Test(t, testOrphansBehind) }

func testOrphansBehind(t *testing.T) {
	s := newScene(t, faultless)
	next := s.Buy(t, "ann") + 1
	c := paymenttest.Attempt{User: "bob", Seq: next}.Charge(200, "EUR")
	if _, err := s.books.Authorise(t.Context(), c, "tok_accept"); err != nil {
		t.Fatal(err)
	}
	calls := 0
	found, err := s.desk.Orphans(t.Context(), func(context.Context) error {
		if calls++; calls == 2 { // the books were read
			s.Buy(t, "bob")
			s.Tell(t, sequencer.Command{Kind: sequencer.KindPayBegin, Order: next, User: []byte("bob"), Amount: 200, Reference: []byte(paymenttest.Account)})
		}
		return nil
	})
	if err != nil || len(found.Orphans) != 0 || calls != 2 {
		t.Errorf("%+v, %v", found, err)
	}
	behind := func(context.Context) error { return sequencer.ErrBehind }
	if _, err := s.desk.Orphans(t.Context(), behind); !errors.Is(err, sequencer.ErrBehind) {
		t.Error(err)
	}
	if _, err := s.desk.RefundOrphan(t.Context(), lostBy(c.Key), behind); !errors.Is(err, sequencer.ErrBehind) {
		t.Error(err)
	}
}

// A copy has no orphans: the charges of before are those of the cluster that it is a copy of.
func TestCopyHasNoOrphans(t *testing.T) { synctest.Test(t, testCopyHasNoOrphans) }

func testCopyHasNoOrphans(t *testing.T) {
	l := newLostAndRestored(t, faultless)
	l.Born(t, sequencer.ClusterID{3}, sequencer.BirthCopy)
	l.mustList(t, nil)
	mustNotBeOrphan(t, l.desk, l.alice.Key)
}
