package payment_test

import (
	"context"
	"net/http/httptest"
	"strconv"
	"strings"
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
