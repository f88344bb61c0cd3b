package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/sequencer"
)

// lostCharge makes a charge of the office's cluster for an order that it never made.
func lostCharge(t *testing.T, o *office, user string) payment.Charge {
	t.Helper()
	var births []sequencer.Birth
	var seq uint64
	o.server.node.Read(func(s sequencer.Reader) { births, seq = s.Births(), s.Seq() })
	var never uint64 // a seq that made no order
	o.server.node.Read(func(s sequencer.Reader) {
		for never = seq; ; never-- {
			if _, known := s.Order(never); !known {
				return
			}
		}
	})
	c := paymenttest.Attempt{Birth: births[0].Cluster, User: user, Seq: never}.Charge(4900, "EUR")
	books := o.server.desk.Provider().(*sandbox.Books)
	for _, step := range []func() (payment.Status, error){
		func() (payment.Status, error) { return books.Authorise(context.Background(), c, "tok_accept") },
		func() (payment.Status, error) { return books.Capture(context.Background(), c, c.Amount) },
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// sharedAccount is an account of a provider in a process of its own, which several clusters
// have.
type sharedAccount struct {
	t      *testing.T
	books  *sandbox.Books
	url    string
	secret string // file
	mu     sync.Mutex
	asked  strings.Builder // all questions, but for those about the books
}

func newSharedAccount(t *testing.T) *sharedAccount {
	t.Helper()
	books, err := sandbox.Open(sandbox.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	const secret = "a secret of the tests' provider alone"
	a := &sharedAccount{t: t, books: books, secret: writeKey(t, secret)}
	handler := sandbox.NewHandler(books, []byte(secret))
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the handler says what is wrong with it
		a.mu.Lock()
		a.asked.Write(body)
		a.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { provider.Close(); books.Close() })
	a.url = provider.URL
	return a
}

// open starts an office on a data folder.
func (a *sharedAccount) open(dir string) *office {
	return openOffice(a.t, func(s *settings) {
		s.Payment.Provider, s.Payment.URL, s.Payment.SecretFile = providerSandbox, a.url, a.secret
		s.Node.DataDir = dir
	})
}

// restore starts an office on a folder that is made of a backup.
func (a *sharedAccount) restore(backup, as string) *office {
	dir := filepath.Join(a.t.TempDir(), "restored")
	command(a.t, 0, "snapshot", "restore", backup, as, "--data-dir", dir, "--node-id", "n1", "--peer", "127.0.0.1:0")
	return a.open(dir)
}

// mustSettle waits until nothing is due at the provider.
func mustSettle(t *testing.T, o *office) {
	t.Helper()
	paymenttest.Eventually(t, "everything is settled", func() (settled bool) {
		o.server.node.Read(func(s sequencer.Reader) { settled = s.UnsettledCount() == s.ForeignUnsettledCount() })
		return settled
	})
}

// wasAsked reports whether the provider was asked about an order.
func (a *sharedAccount) wasAsked(order string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Contains(a.asked.String(), `"`+order+`"`)
}

// A copy for an exercise, on the account of the cluster that it is a copy of, moves no money of
// that one's, and sells as ever.
func TestCopyAndTheMoney(t *testing.T) {
	account := newSharedAccount(t)
	backup := filepath.Join(t.TempDir(), "arena.backup")
	original := account.open(filepath.Join(t.TempDir(), "data"))
	defer original.close()
	original.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "4900")
	buy := func(o *office, user string) string {
		return into[contract.Decision](t, o.buy(0, user, "buy", "-o", "json")).Order
	}
	alice, bob := buy(original, "alice"), buy(original, "bob")
	has(t, original.buy(0, "bob", "pay", bob, "--method", "tok_accept"), "accepted")
	mustSettle(t, original)
	original.sell(0, "snapshot", "save", backup)

	o := account.restore(backup, "--copy")
	defer o.close()
	has(t, o.buy(1, "alice", "pay", alice, "--method", "tok_accept"), "copied-order")
	o.sell(0, "order", "refund", bob) // for the exercise
	own := buy(o, "carol")
	has(t, o.buy(0, "carol", "pay", own, "--method", "tok_accept"), "accepted")
	mustSettle(t, o)
	has(t, o.sell(0, "payments", "orphans", "-o", "json"), `"orphans": []`)
	has(t, o.sell(0, "payments", "reconcile", "-o", "csv"), "differences,0", "foreign_orders,1", "other_charges,1")
	if account.wasAsked(alice) || !account.wasAsked(own) {
		t.Error("the copy asked the provider about an order of before, or not about its own")
	}
	for _, e := range account.books.Entries() {
		if e.RefundedAmount != 0 || e.Phase != payment.Captured {
			t.Errorf("%+v", e)
		}
	}
	has(t, original.buy(0, "alice", "pay", alice, "--method", "tok_accept"), "accepted")
	has(t, original.sell(0, "payments", "reconcile", "-o", "csv"), "differences,0", "other_charges,1")
}

// The drill of a restore, with the money: a buyer whose order was lost gets her money back, and
// whoever buys in her place does not pay with it.
func TestRestoreAndTheMoney(t *testing.T) {
	account := newSharedAccount(t)
	backup := filepath.Join(t.TempDir(), "arena.backup")
	o := account.open(filepath.Join(t.TempDir(), "data"))
	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "4900")
	o.sell(0, "snapshot", "save", backup)
	alice := into[contract.Decision](t, o.buy(0, "alice", "buy", "-o", "json")).Order
	has(t, o.buy(0, "alice", "pay", alice, "--method", "tok_accept"), "accepted")
	mustSettle(t, o)
	o.close()

	o = account.restore(backup, "--successor")
	defer o.close()
	bob := into[contract.Decision](t, o.buy(0, "bob", "buy", "-o", "json")).Order
	if bob == alice {
		t.Fatalf("%s is given out twice", bob)
	}
	has(t, o.buy(3, "bob", "pay", bob, "--method", "tok_decline"), "declined")
	has(t, o.buy(1, "bob", "pay", alice, "--method", "tok_decline"), "unknown-order")
	has(t, o.sell(6, "payments", "reconcile", "-o", "csv"), "unknown_order", alice)
	has(t, o.sell(6, "payments", "orphans", "-o", "csv"), "-"+alice+"-01,no_order,", "4900,EUR,captured,4900,0")
	o.sell(0, "payments", "orphans", "--refund-all", "--yes", "--reason", "lost")
	has(t, o.sell(0, "payments", "reconcile", "-o", "csv"), "differences,0", "lost_charges,1")
	if e := account.books.Entries(); len(e) != 2 || e[0].RefundedAmount != 4900 || e[1].Phase != payment.Declined {
		t.Errorf("%+v", e)
	}
}

// Charges of lost orders are listed, and given back with a record; a repetition gives nothing
// back twice, and completes the record.
func TestOrphansByCommand(t *testing.T) {
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "4900")
	order := into[contract.Decision](t, o.buy(0, "ann", "buy", "-o", "json")).Order
	has(t, o.buy(0, "ann", "pay", order, "--method", "tok_accept"), "accepted")
	has(t, o.sell(0, "payments", "orphans", "-o", "csv"), "payment,why,buyer")
	lost := lostCharge(t, o, "alice")

	has(t, o.sell(6, "payments", "orphans", "-o", "csv"), lost.Key+",no_order,"+lost.Buyer+",4900,EUR,captured,4900,0,")
	has(t, o.sell(2, "payments", "orphans", "--refund-all"), "--reason")
	has(t, o.sell(2, "payments", "orphans", "--refund-all", "--refund", lost.Key), "not both")
	has(t, o.sell(2, "payments", "orphans", "--reason", "x"), "go with")
	has(t, o.sell(2, "payments", "orphans", "--refund-all", "--reason", "lost"), "--yes")
	has(t, o.sell(1, "payments", "orphans", "--refund", strings.Replace(lost.Key, "-01", "-02", 1), "--reason", "lost"), "not-orphan")

	record := filepath.Join(t.TempDir(), "refunds.jsonl")
	asked := `{"onsale_refund":1,"step":"asked","payment":"` + lost.Key + `","reason":"lost"}` + "\n"
	if err := os.WriteFile(record, []byte(asked+`{"torn`), 0o600); err != nil { // whoever asked died then
		t.Fatal(err)
	}
	all := []string{"payments", "orphans", "--refund-all", "--reason", "lost", "--yes", "--record", record, "-o", "json"}
	done := into[[]payment.OrphanRefund](t, o.sell(0, all...))
	if len(done) != 1 || done[0].Key != lost.Key || done[0].Before != payment.Captured || done[0].Phase != payment.Refunded || done[0].Reason != "lost" || done[0].Actor == "" {
		t.Errorf("%+v", done)
	}
	if again := into[[]payment.OrphanRefund](t, o.sell(0, all...)); len(again) != 0 {
		t.Errorf("%+v", again)
	}
	if one := into[[]payment.OrphanRefund](t, o.sell(0, "payments", "orphans", "--refund", lost.Key, "--reason", "lost", "-o", "json")); len(one) != 1 || one[0].Before != payment.Refunded {
		t.Errorf("%+v", one)
	}
	text, err := os.ReadFile(record)
	if err != nil || strings.Count(string(text), "\n") != 3 || !strings.HasPrefix(string(text), asked) || strings.Count(string(text), `"step":"done"`) != 1 {
		t.Errorf("%s, %v", text, err)
	}
	if e := o.server.desk.Provider().(*sandbox.Books).Entries()[1]; e.RefundedAmount != 4900 {
		t.Errorf("%+v", e)
	}
	o.sell(0, "payments", "orphans")
	if err := os.WriteFile(record, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, o.sell(1, all...), "line 1 is not of a record")
}
