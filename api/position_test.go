package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// Two states of one order have two positions: as_of moves when a hold ends, and
// as_of_seq, which counts decisions, does not.
func TestAsOfMovesWhenAHoldEnds(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Hold = int64(time.Minute) })
	f.backend.do(sequencer.Command{Kind: sequencer.KindSessionOpen})
	d := f.bought("ann", "?q=1")
	held := f.orderOf("ann", d.Order)

	f.clock.Add(int64(2 * time.Minute))
	f.backend.set(func(b *testBackend) { b.apply() })
	expired := f.orderOf("ann", d.Order)
	if held.State != "reserved" || expired.State != "expired" || expired.AsOfSeq != held.AsOfSeq {
		t.Fatalf("before %+v, after %+v", held, expired)
	}
	before, errBefore := sequencer.ParsePosition(held.AsOf)
	after, errAfter := sequencer.ParsePosition(expired.AsOf)
	if errBefore != nil || errAfter != nil || after.Height != before.Height+1 || !after.Reaches(before) || before.Reaches(after) {
		t.Errorf("as of %q and then %q", held.AsOf, expired.AsOf)
	}
	page := into[contract.OrderPage](f.call("GET", f.public, "/v1/orders", "ann", "").want(200, ""))
	sales := into[contract.SalePage](f.call("GET", f.public, "/v1/tickets", "", "").want(200, ""))
	if page.AsOf != expired.AsOf || sales.AsOf != expired.AsOf || sales.Tickets[0].AsOf != expired.AsOf {
		t.Errorf("orders as of %q, sales as of %q and %q, want %q", page.AsOf, sales.AsOf, sales.Tickets[0].AsOf, expired.AsOf)
	}
	if cancelled := into[contract.Order](f.call("DELETE", f.public, f.bought("ann", "?q=1").Callback, "ann", "").want(200, "")); cancelled.AsOf != "" {
		t.Errorf("a cancellation is as of %q", cancelled.AsOf)
	}
}

// after_seq takes a position: the read waits until the replica is there.
func TestAfterAPosition(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=1")
	at := f.orderOf("ann", d.Order).AsOf
	birth, height, _ := strings.Cut(at, "-")
	for _, target := range []string{d.Callback, "/v1/orders"} {
		read := func(after string) *answer { return f.call("GET", f.public, target+"?after_seq="+after, "ann", "") }
		read(at).want(200, "")
		read(birth+"-"+height+"0").want(503, "behind")
		f.backend.set(func(b *testBackend) { b.lag = 1 })
		time.AfterFunc(20*time.Millisecond, func() { f.backend.set(func(b *testBackend) { b.lag = 0 }) })
		if a := read(at).want(200, ""); !strings.Contains(string(a.body), fmt.Sprintf("%q", at)) {
			t.Errorf("%s after %s: %s", target, at, a.body)
		}

		other := strings.Repeat("e", 16) + "-1"
		if a := read(other).want(410, "history-cut"); a.problem.AsOf != at {
			t.Errorf("%s after %s: %s", target, other, a.body)
		}
		for _, wrong := range []string{"-", "-1", birth + "-", birth + "-x", birth + "-01", strings.ToUpper("a"+birth[1:]) + "-1", birth[1:] + "-1", birth + "-18446744073709551616"} {
			if a := read(wrong).want(400, "bad-request"); a.problem.Parameter != "after_seq" {
				t.Errorf("%s after %q: %s", target, wrong, a.body)
			}
		}
	}
}
