package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
)

// Many more press at once than may wait: as many are taken as the bound says, all others
// are told at once, while nothing is decided, when to come back, and not all at the same
// time. Nobody who was taken is lost, nobody who was refused was in line, and with the
// queue the refusals end.
func TestOverloadedQueue(t *testing.T) {
	defer noRest(t)()
	j := newJam(t)
	const crowd = 64
	var first jamAnswer
	j.hold(&first)
	answers, refusals := make([]jamAnswer, crowd), make(chan int, crowd)
	for i := range answers {
		j.group.Go(func() {
			answers[i] = j.press(fmt.Sprint("crowd-", i))
			if answers[i].overloaded() {
				refusals <- i
			}
		})
	}
	pauses := map[string]bool{}
	for range crowd - queueBound {
		select {
		case i := <-refusals:
			pauses[answers[i].retryAfter] = true
		case <-time.After(time.Minute):
			t.Fatal("who has no place is not told while nothing is decided")
		}
	}
	j.queued(queueBound)
	if pauses[""] || len(pauses) < 2 {
		t.Errorf("Retry-After was %v", pauses)
	}
	j.disk.release()
	j.group.Wait()

	taken := 1
	for i, a := range answers {
		switch {
		case a.status == 202 && !a.replayed && a.decision.State == "reserved":
			taken++
		case !a.overloaded():
			t.Errorf("crowd-%d was told %+v", i, a)
		}
	}
	if first.status != 202 || taken != 1+queueBound || len(refusals) != 0 || j.held() != taken {
		t.Errorf("%d were told yes, %d tickets are held, the first was told %+v", taken, j.held(), first)
	}
	m := j.metrics()
	if m["onsale_inbox_overloaded_total"] != crowd-queueBound || m[`onsale_http_requests_total{outcome="overloaded",route="buy"}`] != crowd-queueBound {
		t.Errorf("counted are %v and %v refusals of %d", m["onsale_inbox_overloaded_total"], m[`onsale_http_requests_total{outcome="overloaded",route="buy"}`], crowd-queueBound)
	}
	for i := range answers { // with the same key: who was taken has the first order, who was not has none yet
		a := j.press(fmt.Sprint("crowd-", i))
		if again := answers[i].status == 202; a.status != 202 || a.replayed != again || again && a.decision.Order != answers[i].decision.Order {
			t.Errorf("crowd-%d, told %d before, comes back and is told %+v", i, answers[i].status, a)
		}
	}
	if j.held() != 1+crowd || j.metrics()["onsale_inbox_requests"] != 0 {
		t.Errorf("%d tickets are held, %v requests wait", j.held(), j.metrics()["onsale_inbox_requests"])
	}
	j.end()
}

// As the queue fills, views and the streams of sales go first, then polls and the streams
// of orders; first buys and payments are taken until it is full. All of it is counted, and
// given again when the queue is empty.
func TestOverloadedOrderOfShedding(t *testing.T) {
	defer noRest(t)()
	j := newJam(t)
	one, two := j.press("one").decision.Order, j.press("two").decision.Order
	reads := []struct{ what, path string }{
		{"view", "/v1/tickets"}, {"view", "/v1/tickets/gig"}, {"view", "/v1/orders"}, {"view", "/v1/tickets/events?sale=gig"},
		{"poll", "/v1/orders/" + one}, {"poll", "/v1/orders/" + one + "/events"},
	}
	shed := map[string]float64{}
	look := func(refused ...string) {
		t.Helper()
		for _, r := range reads {
			a := j.ask("one", http.MethodGet, r.path, "", "")
			switch wants := slices.Contains(refused, r.what); {
			case wants && (!a.overloaded() || a.retryAfter == ""), !wants && a.status != 200:
				t.Errorf("%s: %+v", r.path, a)
			case wants:
				shed[r.what]++
			}
		}
	}
	var first, paid jamAnswer
	var bought [queueBound]jamAnswer
	j.hold(&first)
	wait := func(from, to int) {
		for i := from; i < to; i++ {
			j.begin(func() jamAnswer { return j.press(fmt.Sprint("buyer-", i)) }, &bought[i])
		}
		j.queued(to)
	}
	look()
	wait(0, queueBound/2)
	look("view")
	wait(queueBound/2, queueBound*3/4)
	look("view", "poll")
	wait(queueBound*3/4, queueBound-1)
	j.begin(func() jamAnswer { return j.pay("one", one) }, &paid)
	j.queued(queueBound)
	look("view", "poll")
	for what, a := range map[string]jamAnswer{"a buy": j.press("late"), "a payment": j.pay("two", two)} {
		if !a.overloaded() || a.retryAfter == "" {
			t.Errorf("%s beyond the bound was told %+v", what, a)
		}
	}
	m := j.metrics()
	for name, want := range map[string]float64{`onsale_shed_total{kind="view"}`: shed["view"], `onsale_shed_total{kind="poll"}`: shed["poll"],
		`onsale_http_requests_total{outcome="overloaded",route="buy"}`: 1, `onsale_http_requests_total{outcome="overloaded",route="pay"}`: 1,
		"onsale_inbox_overloaded_total": 2} {
		if m[name] != want || want == 0 {
			t.Errorf("%s is %v, want %v", name, m[name], want)
		}
	}

	j.disk.release()
	j.group.Wait()
	for i, a := range append(bought[:queueBound-1], first) {
		if a.status != 202 {
			t.Errorf("buyer %d, who waited, was told %+v", i, a)
		}
	}
	if paid.status != 200 || paid.payment.Status != contract.PaymentAccepted {
		t.Errorf("who paid in time was told %+v", paid)
	}
	look()
	if a := j.pay("two", two); a.status != 200 || a.payment.Status != contract.PaymentAccepted {
		t.Errorf("who comes back to pay was told %+v", a)
	}
	testenv.Eventually(t, time.Minute, "two charges, and the orders say the same", func() bool {
		found, err := j.server.payments.Reconcile(t.Context())
		return err == nil && found.Charges == 2 && found.Unsettled == 0 && len(found.Differences) == 0
	})
	j.end()
}
