package payment_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/sequencer"
)

// metricOf returns one sample of a desk's metrics.
func metricOf(t *testing.T, d *payment.Desk, sample string) float64 {
	t.Helper()
	registry, answer := prometheus.NewRegistry(), httptest.NewRecorder()
	registry.MustRegister(d.Collector())
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if text, found := strings.CutPrefix(line, sample+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("no %s in\n%s", sample, answer.Body)
	return 0
}

// A payment whose outcome nobody knows shows by count and age until it is settled, and
// a provider that does not answer by its failed calls.
func TestUnsettledShows(t *testing.T) { synctest.Test(t, testUnsettledShows) }

func testUnsettledShows(t *testing.T) {
	n, books := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100}), newBooks(t)
	config := paymenttest.QuickConfig()
	config.AbandonAfter = time.Hour
	d := paymenttest.NewDesk(t, config, n, books)
	of := func(sample string) float64 { return metricOf(t, d, sample) }
	if of("onsale_payment_unsettled") != 0 || of("onsale_payment_unsettled_oldest_seconds") != 0 {
		t.Error("something is unsettled before the first payment")
	}
	seq := n.Buy(t, "ann")
	if answer := paymenttest.Pay(t, d, seq, "ann", "tok_never"); answer.State != sequencer.StatePaying {
		t.Fatalf("%+v", answer)
	}
	paymenttest.Eventually(t, "an old unsettled payment", func() bool { return of("onsale_payment_unsettled_oldest_seconds") > 0.05 })
	if count := of("onsale_payment_unsettled"); count != 1 {
		t.Errorf("%v are unsettled", count)
	}
	slow := n.Buy(t, "bob")
	paymenttest.Pay(t, d, slow, "bob", "tok_delay_900ms") // longer than a call may take
	paymenttest.Eventually(t, "the slow one is settled, its capture too", func() bool { return n.StateOf(slow) == sequencer.StatePaid && n.UnsettledCount() == 1 })
	if failed := of(`onsale_payment_provider_calls_total{call="authorise",result="failed"}`); failed != 2 { // neither answered in time
		t.Errorf("%v authorisations failed", failed)
	}
	if took := of(`onsale_payment_provider_seconds_count{call="authorise"}`); took != 2 {
		t.Errorf("%v authorisations were timed", took)
	}
	if at := of("onsale_payment_reconciliation_timestamp_seconds"); at != 0 {
		t.Errorf("reconciled at %v", at)
	}
	if found, err := d.Reconcile(context.Background()); err != nil || found.Unsettled != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	if of("onsale_payment_reconciliation_timestamp_seconds") == 0 || of("onsale_payment_reconciliation_differences") != 0 {
		t.Error("the reconciliation does not show")
	}
}

// Every count and gauge shows what happened.
func TestMetrics(t *testing.T) { synctest.Test(t, testMetrics) }

func testMetrics(t *testing.T) {
	s := newScene(t, faultless)
	ctx := context.Background()
	ann, bob, never, slow := s.Buy(t, "ann"), s.Buy(t, "bob"), s.Buy(t, "never"), s.Buy(t, "slow")
	paymenttest.Pay(t, s.desk, ann, "ann", "tok_accept")
	synctest.Wait()                                      // it is captured
	paymenttest.Pay(t, s.desk, ann, "ann", "tok_accept") // refused
	paymenttest.Pay(t, s.desk, bob, "bob", "tok_decline")
	if reason := s.Order(bob).Reason; reason != sequencer.ReasonDeclined {
		t.Errorf("the log has the reason %v", reason)
	}
	paymenttest.Pay(t, s.desk, never, "never", "tok_never")
	paymenttest.MustAgree(t, s.Node, s.desk)
	s.Tell(t, sequencer.Command{Kind: sequencer.KindRefund, Order: ann})
	paymenttest.MustAgree(t, s.Node, s.desk)

	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	answer, err := s.desk.Pay(short, payment.Request{Order: slow, Sale: 1, User: "slow", Method: "tok_delay_250ms"})
	if err != nil || answer.Code != sequencer.CodePaymentInFlight || answer.State != sequencer.StatePaying {
		t.Errorf("not in time: %+v, %v", answer, err)
	}
	mustShow(t, s.desk, map[string]float64{"onsale_payment_under_way": 1})
	s.Tell(t, sequencer.Command{Kind: sequencer.KindSaleCancel, Sale: 1}) // so that its success is late
	paymenttest.MustAgree(t, s.Node, s.desk)
	reconciled := time.Now().Unix()
	time.Sleep(time.Second) // the settlers look once more, and forget what is settled
	if err := s.desk.Notice("sandbox", "t=1,v1=00", nil); err == nil {
		t.Error("a bad notice is taken")
	}

	mustShow(t, s.desk, map[string]float64{
		`onsale_payment_attempts_total{result="begun"}`:                    4,
		`onsale_payment_attempts_total{result="refused"}`:                  1,
		`onsale_payment_attempts_total{result="overloaded"}`:               0,
		`onsale_payment_outcomes_total{outcome="accepted"}`:                1,
		`onsale_payment_outcomes_total{outcome="rejected"}`:                1,
		`onsale_payment_outcomes_total{outcome="cancelled"}`:               1,
		`onsale_payment_outcomes_total{outcome="late_success"}`:            1,
		`onsale_payment_outcomes_total{outcome="not_in_time"}`:             1,
		`onsale_payment_settled_total{step="captured"}`:                    1,
		`onsale_payment_settled_total{step="voided"}`:                      2,
		`onsale_payment_settled_total{step="abandoned"}`:                   1,
		`onsale_payment_settled_total{step="not_capturable"}`:              0,
		`onsale_payment_notices_total{result="taken"}`:                     0,
		`onsale_payment_notices_total{result="refused"}`:                   1,
		`onsale_payment_provider_seconds_count{call="authorise"}`:          4,
		`onsale_payment_provider_seconds_count{call="capture"}`:            1,
		`onsale_payment_provider_seconds_count{call="cancel"}`:             1,
		`onsale_payment_provider_seconds_count{call="return"}`:             2,
		`onsale_payment_denied`:                                            0,
		`onsale_payment_refunds_failed`:                                    0,
		`onsale_payment_disputes{status="needs_response"}`:                 0,
		`onsale_payment_provider_seconds_count{call="ledger"}`:             3,
		`onsale_payment_under_way`:                                         0,
		`onsale_payment_under_way_max`:                                     4096,
		`onsale_payment_settling`:                                          0,
		`onsale_payment_settling_max`:                                      32,
		`onsale_payment_unsettled`:                                         0,
		`onsale_payment_unsettled_oldest_seconds`:                          0,
		`onsale_payment_reconciliation_differences`:                        0,
		`onsale_payment_reconciliation_timestamp_seconds`:                  float64(reconciled),
		providerCalls("authorise", "answered"):                             3,
		providerCalls("authorise", "failed"):                               1,
		providerCalls("capture", "answered"):                               1,
		providerCalls("cancel", "answered"):                                1,
		providerCalls("return", "answered"):                                2,
		providerCalls("cancel", "failed"):                                  0,
		providerCalls("ledger", "answered"):                                3,
		`onsale_payment_provider_seconds_sum{call="capture"}`:              0,
		`onsale_payment_provider_seconds_sum{call="ledger"}`:               0,
		`onsale_payment_provider_seconds_count{call="find"}`:               metricOf(t, s.desk, providerCalls("find", "answered")),
		`onsale_payment_provider_calls_total{call="find",result="failed"}`: 0,
	})
}

func providerCalls(call, result string) string {
	return `onsale_payment_provider_calls_total{call="` + call + `",result="` + result + `"}`
}

func mustShow(t *testing.T, d *payment.Desk, want map[string]float64) {
	t.Helper()
	for sample, value := range want {
		if got := metricOf(t, d, sample); got != value {
			t.Errorf("%s is %v, want %v", sample, got, value)
		}
	}
}

// What is worked on shows, and what is beyond its hard limit; a provider that does not
// answer shows until it does, or until the node leads no more.
func TestTroubleShows(t *testing.T) { synctest.Test(t, testTroubleShows) }

func testTroubleShows(t *testing.T) {
	var down, conflict atomic.Bool
	n := paymenttest.NewNode(t, sequencer.SaleSpec{Price: 100, Hold: int64(time.Minute), Grace: int64(time.Minute)})
	fault := func(paymenttest.CallName, payment.Charge) paymenttest.Fault {
		return paymenttest.Fault{Before: 200 * time.Millisecond, Unsent: down.Load()}
	}
	books := newBooks(t)
	line := conflicting{&paymenttest.Faulty{Provider: books, Fault: fault}, &conflict}
	config := paymenttest.QuickConfig()
	config.RetryPauseMax = config.SettleInterval
	d := paymenttest.NewDesk(t, config, n, line)
	if err := d.ProviderErr(); err != nil {
		t.Error(err)
	}
	down.Store(true)
	seq := n.Buy(t, "ann")
	paymenttest.Pay(t, d, seq, "ann", "tok_never")
	n.Pass(3 * time.Minute)
	time.Sleep(300 * time.Millisecond)
	if err := d.ProviderErr(); err != nil { // two calls failed
		t.Error(err)
	}
	time.Sleep(150 * time.Millisecond)
	if err := d.ProviderErr(); err == nil {
		t.Error("three failed calls are no failing provider")
	}
	mustShow(t, d, map[string]float64{"onsale_payment_overdue": 1, "onsale_payment_settling": 1, "onsale_payment_unsettled": 1})

	n.SetLeader(&sequencer.NotLeaderError{})
	time.Sleep(time.Second)
	if err := d.ProviderErr(); err != nil {
		t.Errorf("who does not lead calls nobody: %v", err)
	}
	mustShow(t, d, map[string]float64{"onsale_payment_overdue": 0, "onsale_payment_unsettled_oldest_seconds": 0, "onsale_payment_unsettled": 1})

	n.SetLeader(nil)
	time.Sleep(2 * time.Second)
	if err := d.ProviderErr(); err == nil {
		t.Error("a provider that fails again does not show")
	}
	conflict.Store(true) // is an answer
	time.Sleep(time.Second)
	if err := d.ProviderErr(); err != nil {
		t.Error(err)
	}
	if metricOf(t, d, providerCalls("find", "answered")) == 0 {
		t.Error("no answer shows")
	}
	down.Store(false)
	conflict.Store(false)
	paymenttest.MustAgree(t, n, d)
	if state := n.StateOf(seq); state != sequencer.StateExpired {
		t.Error(state)
	}
}

// conflicting is a provider of which each question is one about another charge.
type conflicting struct {
	payment.Provider
	on *atomic.Bool
}

func (c conflicting) Find(ctx context.Context, charge payment.Charge) (payment.Status, error) {
	if c.on.Load() {
		return payment.Status{}, fmt.Errorf("it is another: %w", payment.ErrConflict)
	}
	return c.Provider.Find(ctx, charge)
}
