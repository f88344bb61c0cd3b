package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

func TestTimeline(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	f.bought("ann", "?q=2")
	var asked sequencer.SaleView
	f.timeline = func(_ context.Context, sale *sequencer.SaleView) (*contract.Timeline, error) {
		asked = *sale
		return &contract.Timeline{Rows: []contract.TimelineRow{{Requests: 7}}, Busiest: []contract.BusySecond{}, Changes: []contract.PastChange{}}, nil
	}
	a := f.seller("GET", "/v1/sales/gig/timeline", "").want(200, "")
	told := into[contract.SaleTimeline](a)
	if told.Sale != "gig" || told.Tickets.Held != 2 || told.Timeline.Rows[0].Requests != 7 || asked.AsOfSeq != told.AsOfSeq {
		t.Errorf("%s", a.body)
	}
	f.seller("GET", "/v1/sales/none/timeline", "").want(404, "unknown-sale")
	f.call("GET", f.private, "/v1/sales/gig/timeline", "ann", "").want(403, "forbidden")
	f.call("GET", f.private, "/v1/sales/gig/timeline", "@auditor", "").want(200, "")
	for err, want := range map[error]string{
		contract.ErrTimelineBusy: "timeline-busy", contract.ErrJournalIncomplete: "journal-incomplete", errors.New("/data/x is damaged"): "internal",
	} {
		f.timeline = func(context.Context, *sequencer.SaleView) (*contract.Timeline, error) {
			return nil, fmt.Errorf("at work: %w", err)
		}
		a := f.seller("GET", "/v1/sales/gig/timeline", "").want(map[string]int{"timeline-busy": 503, "journal-incomplete": 409, "internal": 500}[want], want)
		if retry := a.header.Get("Retry-After") != ""; retry != (want == "timeline-busy") {
			t.Errorf("%s: header %v", want, a.header)
		}
	}
}

// Buys with a decision are in the report's latency, and nothing else is.
func TestReportLatency(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	if r := into[contract.Report](f.seller("GET", "/v1/sales/gig/report", "").want(200, "")); r.Latency != nil {
		t.Errorf("without a buy: %+v", r.Latency)
	}
	f.buy("ann", "?q=2").want(202, "")
	f.buy("ann", "?q=1").want(200, "")
	f.buy("ann", "").want(400, "bad-request")
	f.call("GET", f.public, "/v1/orders", "ann", "").want(200, "")
	f.backend.set(func(b *testBackend) { b.fail = sequencer.ErrOverloaded })
	f.buy("bob", "?q=1").want(503, "overloaded")
	f.backend.set(func(b *testBackend) { b.fail = nil })
	var l *contract.ReportLatency
	testenv.Eventually(t, time.Minute, "two buys that are counted", func() bool { // after their answers
		l = into[contract.Report](f.seller("GET", "/v1/sales/gig/report", "").want(200, "")).Latency
		return l != nil && l.Buys == 2
	})
	if !(l.P50 > 0 && l.P50 <= l.P90 && l.P90 <= l.P99 && l.P99 <= l.P999 && l.P999 <= l.Max) {
		t.Errorf("latency %+v", l)
	}
}

// Each sale has its own latencies, the last of them that somebody bought at; also when many begin at
// once.
func TestLatenciesOfSales(t *testing.T) {
	s := newSaleLatencies()
	var buyers sync.WaitGroup
	for sale := range uint16(timedSalesMax) {
		for buyer := range 4 {
			buyers.Go(func() { s.observe(1, sale, uint64(buyer), time.Duration(sale+1)*time.Millisecond) })
		}
	}
	buyers.Wait()
	for sale := range uint16(timedSalesMax) {
		if r := s.report(1, sale); r == nil || r.Buys != 4 || r.P50 > float64(sale+1)*1.02 || r.P50 < float64(sale+1)*0.98 {
			t.Errorf("sale %d: %+v", sale, r)
		}
	}
	if s.report(2, 1) != nil || s.report(1, timedSalesMax) != nil {
		t.Error("what was never bought has latencies")
	}
	s.observe(2, 1, 0, time.Second)
	if timed := *s.timed.Load(); len(timed) != timedSalesMax || timed[0].cluster != 2 {
		t.Errorf("%d sales are timed", len(timed))
	}
}

func TestLatencies(t *testing.T) {
	l := newLatencies()
	for i := range 1000 {
		l.observe(uint64(i), time.Duration(i+1)*time.Millisecond)
	}
	l.observe(3, -time.Second)
	l.observe(4, time.Hour)
	r := l.report()
	for _, p := range []struct {
		name      string
		got, want float64
	}{{"p50", r.P50, 501}, {"p90", r.P90, 902}, {"p99", r.P99, 992}, {"max", r.Max, 600_000}} {
		if p.got < p.want*0.99 || p.got > p.want*1.01 {
			t.Errorf("%s is %v ms, want %v", p.name, p.got, p.want)
		}
	}
	sum := uint64(0)
	for i, b := range r.Buckets {
		sum += b.Buys
		if i > 0 && b.UpTo <= r.Buckets[i-1].UpTo {
			t.Errorf("buckets %+v", r.Buckets)
		}
	}
	if text, err := json.Marshal(r); err != nil || sum != 1002 || r.Buys != 1002 {
		t.Errorf("%d buys in the buckets of %s, %v", sum, text, err)
	}
}
