package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
)

// authenticate does what a buyer does in a browser who is sent to their bank.
func authenticate(t *testing.T, next *contract.NextAction, answer string) {
	t.Helper()
	if next == nil {
		t.Fatal("the buyer was sent nowhere")
	}
	page, err := http.Get(next.RedirectURL)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(page.Body)
	page.Body.Close()
	if err != nil || page.StatusCode != http.StatusOK || !strings.Contains(string(text), `value="`+answer+`"`) {
		t.Fatalf("%s: %s, %v", page.Status, text, err)
	}
	done, err := http.PostForm(next.RedirectURL, url.Values{"answer": {answer}})
	if err != nil {
		t.Fatal(err)
	}
	done.Body.Close()
	if done.StatusCode != http.StatusOK {
		t.Fatal(done.Status)
	}
}

// Buyers are sent to the sandbox' page by every door; the leader is killed while they are there,
// and its successor sends them there again, hears what came of it, and cancels what is open
// when another card comes.
func TestAuthenticationOutlivesTheLeader(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	s := newShop(t)
	ctx := context.Background()
	openGig(t, leaderAmong(t, s.nodes), 100)
	asked := map[string]*contract.Payment{}
	for _, user := range []string{"completes", "refuses", "another"} {
		d := s.front.mustBuy(user, "gig")
		paid, err := s.front.buyer(user).Pay(ctx, d.Order, "tok_3ds")
		if err != nil || paid.Reason != contract.ReasonActionRequired || paid.NextAction == nil {
			t.Fatalf("%+v, %v", paid, err)
		}
		asked[user] = paid
	}

	leaderAmong(t, s.nodes).kill()
	leaderAmong(t, s.nodes)
	for user, first := range asked {
		testenv.Eventually(t, time.Minute, user+" is sent there again", func() bool {
			again, err := s.front.buyer(user).Pay(ctx, first.Order, "tok_3ds")
			return err == nil && again.NextAction != nil && *again.NextAction == *first.NextAction && again.Attempt == 1
		})
	}
	authenticate(t, asked["completes"].NextAction, "complete")
	authenticate(t, asked["refuses"].NextAction, "refuse")
	for user, want := range map[string]contract.Order{
		"completes": {State: "paid", Attempts: 1}, "refuses": {State: "reserved", Attempts: 1, PaymentReason: "authentication_required"},
	} {
		testenv.Eventually(t, time.Minute, user, func() bool {
			o, err := s.front.buyer(user).Order(ctx, asked[user].Order)
			return err == nil && o.State == want.State && o.Attempts == want.Attempts && o.PaymentReason == want.PaymentReason
		})
	}
	paid, err := s.front.buyer("another").Pay(ctx, asked["another"].Order, "tok_accept")
	if err != nil || paid.Status != contract.PaymentAccepted || paid.Attempt != 2 {
		t.Errorf("%+v, %v", paid, err)
	}
	testenv.Eventually(t, time.Minute, "books and orders agree", func() bool {
		found, err := leaderAmong(t, s.nodes).seller().Reconcile(ctx)
		return err == nil && found.Unsettled == 0 && len(found.Differences) == 0 && found.Charges == 4
	})
}

// One node alone serves the pages of its own sandbox, and the command line says where.
func TestAuthenticateAlone(t *testing.T) {
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "4900")
	ann := into[contract.Decision](t, o.buy(0, "ann", "buy", "-o", "json")).Order
	pay := func(code int, more ...string) string {
		return o.buy(code, "ann", append([]string{"pay", ann, "--method", "tok_3ds"}, more...)...)
	}
	asked := into[contract.Payment](t, pay(5, "-o", "json"))
	where := asked.NextAction.RedirectURL
	text := pay(5, "-o", "csv")
	has(t, text, "next_action,"+where)
	has(t, text, "must authenticate first ("+where+")")
	waited := make(chan string)
	go func() {
		_, text := attempt("pay", ann, "--method", "tok_3ds", "--user", "ann", "-o", "csv", "--wait",
			"--http", o.server.publicListener.Addr().String(), "--secret-file", filepath.Join(o.dir, "token-secret"))
		waited <- text
	}()
	authenticate(t, asked.NextAction, "complete")
	has(t, <-waited, "status,accepted")
	has(t, pay(0, "-o", "csv"), "status,accepted") // and again
}
