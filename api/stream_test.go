package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// eventStream is an open event stream of a test.
type eventStream struct {
	t        testing.TB
	response *http.Response
	lines    *bufio.Scanner
}

// event is one event.
type event struct{ id, name, data string }

func (f *fixture) stream(address, target, user, lastEventID string) *eventStream {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	f.t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+target, nil)
	must(f.t, err)
	if user != "" {
		request.Header.Set("Authorization", "Bearer "+f.token(user))
	}
	if lastEventID != "" {
		request.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := f.client.Do(request)
	must(f.t, err)
	f.t.Cleanup(func() { response.Body.Close() })
	return &eventStream{f.t, response, bufio.NewScanner(response.Body)}
}

// next returns the next event; false at the stream's end.
func (s *eventStream) next() (e event, more bool) {
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch {
		case s.lines.Text() == "" && e.data != "":
			return e, true
		case name == "id":
			e.id = value
		case name == "event":
			e.name = value
		case name == "data":
			e.data = value
		}
	}
	return e, false
}

func nextOf[T any](s *eventStream, name string) (value T, id string) {
	s.t.Helper()
	e, more := s.next()
	if !more || e.name != name || e.id == "" {
		s.t.Fatalf("event %+v (%t), want a %s", e, more, name)
	}
	must(s.t, json.Unmarshal([]byte(e.data), &value))
	return value, e.id
}

func streamConfig() Config {
	config := testConfig()
	config.StreamInterval = 5 * time.Millisecond
	return config
}

// Who listens to a sale hears how it stands, and of every change of late; who comes
// back is not told again what it knows.
func TestSaleEvents(t *testing.T) {
	f := serveWith(t, streamConfig())
	f.sale("gig", nil)
	s := f.stream(f.public, "/v1/tickets/events?sale=gig", "", "")
	if s.response.StatusCode != 200 || s.response.Header.Get("Content-Type") != "text/event-stream" || s.response.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", s.response.StatusCode, s.response.Header)
	}
	sale, _ := nextOf[contract.Sale](s, "sale")
	if sale.AvailableQuantity != 10 {
		t.Errorf("%+v", sale)
	}
	f.bought("ann", "?q=2")
	sale, id := nextOf[contract.Sale](s, "sale")
	if sale.AvailableQuantity != 8 {
		t.Errorf("%+v", sale)
	}
	again := f.stream(f.public, "/v1/tickets/events", "", id)
	f.bought("bob", "?q=1")
	if sale, _ = nextOf[contract.Sale](again, "sale"); sale.AvailableQuantity != 7 {
		t.Errorf("who came back heard %+v", sale)
	}
	f.call("GET", f.public, "/v1/tickets/events?sale=none", "", "").want(404, "unknown-sale")
	f.call("POST", f.public, "/v1/tickets/events", "", "").want(405, "method-not-allowed")
}

// A buyer hears of every change of an order, until nothing can change any more.
func TestOrderEvents(t *testing.T) {
	f := serveWith(t, streamConfig())
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist = 2, 5 })
	first := f.bought("ann", "?q=2")
	waiting := f.bought("bob", "?q=2")
	s := f.stream(f.public, waiting.Callback+"/events", "bob", "")
	order, _ := nextOf[contract.Order](s, "order")
	if order.State != "waitlisted" || order.Position != 1 {
		t.Fatalf("%+v", order)
	}
	f.call("DELETE", f.public, first.Callback, "ann", "").want(200, "")
	if order, _ = nextOf[contract.Order](s, "order"); order.State != "reserved" || order.ExpiresAt == nil {
		t.Fatalf("%+v", order)
	}
	f.call("DELETE", f.public, waiting.Callback, "bob", "").want(200, "")
	order, id := nextOf[contract.Order](s, "order")
	if order.State != "cancelled" {
		t.Fatalf("%+v", order)
	}
	if e, more := s.next(); more {
		t.Errorf("after the end: %+v", e)
	}
	if over := f.stream(f.public, waiting.Callback+"/events", "bob", id); over.response.StatusCode != 204 {
		t.Errorf("who knows the end is told %d", over.response.StatusCode)
	}
	f.call("GET", f.public, waiting.Callback+"/events", "ann", "").want(404, "unknown-order")
	f.call("GET", f.public, waiting.Callback+"/events", "", "").want(401, "unauthorized")
}

// An event is encoded once for each change, however many listen or join.
func TestOneEncoding(t *testing.T) {
	f := serveWith(t, streamConfig())
	f.sale("gig", nil)
	var all []*eventStream
	for range 20 {
		s := f.stream(f.public, "/v1/tickets/events", "", "")
		nextOf[contract.Sale](s, "sale")
		all = append(all, s)
	}
	for n := range 3 {
		f.bought(fmt.Sprint("user", n), "?q=1")
		for _, s := range all {
			if sale, _ := nextOf[contract.Sale](s, "sale"); sale.AvailableQuantity != uint32(9-n) {
				t.Fatalf("%+v", sale)
			}
		}
	}
	metrics := f.call("GET", f.private, "/metrics", "@operator", "").want(200, "")
	if !strings.Contains(string(metrics.body), "onsale_stream_encodings_total 4\n") {
		t.Errorf("not 4 encodings:\n%s", metrics.body)
	}
}

// Streams are bounded, and one that is over gives its place back.
func TestStreamsMax(t *testing.T) {
	config := streamConfig()
	config.StreamsMax = 2
	f := serveWith(t, config)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity = 100_000 })
	one, two := f.stream(f.public, "/v1/tickets/events", "", ""), f.stream(f.public, "/v1/tickets/events", "", "")
	nextOf[contract.Sale](one, "sale")
	nextOf[contract.Sale](two, "sale")
	refused := f.call("GET", f.public, "/v1/tickets/events", "", "").want(503, "overloaded")
	if refused.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	one.response.Body.Close()
	var three *eventStream
	buyers := 0
	testenv.Eventually(t, time.Minute, "its place is free", func() bool { // a write finds that it left
		f.bought(fmt.Sprint("user", buyers), "?q=1")
		buyers++
		three = f.stream(f.public, "/v1/tickets/events", "", "")
		if three.response.StatusCode == 200 {
			return true
		}
		three.response.Body.Close()
		return false
	})
	nextOf[contract.Sale](three, "sale")
}

// A long poll returns when the order changes, at once when the caller's copy is old or
// the order is over, and after the wait when nothing happens.
func TestLongPoll(t *testing.T) {
	f := serve(t)
	f.sale("gig", func(s *sequencer.SaleSpec) { s.Quantity, s.Waitlist = 2, 5 })
	first := f.bought("ann", "?q=2")
	waiting := f.bought("bob", "?q=2")
	now := f.call("GET", f.public, waiting.Callback, "bob", "")
	tag := now.header.Get("ETag")

	var polls sync.WaitGroup
	for _, headers := range [][]string{nil, {"If-None-Match: " + tag}} {
		polls.Go(func() {
			a := f.call("GET", f.public, waiting.Callback+"?wait=30s", "bob", "", headers...)
			if o := into[contract.Order](a); a.status != 200 || o.State != "reserved" {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	testenv.Eventually(t, time.Minute, "two that wait for the order", func() bool { return f.backend.hub.Count() == 2 })
	f.call("DELETE", f.public, first.Callback, "ann", "").want(200, "")
	polls.Wait()

	a := f.call("GET", f.public, waiting.Callback+"?wait=30s", "bob", "", "If-None-Match: "+tag).want(200, "") // the copy is old
	a = f.call("GET", f.public, waiting.Callback+"?wait=1s", "bob", "", "If-None-Match: "+a.header.Get("ETag"))
	if a.status != 304 {
		t.Errorf("nothing happened: %d", a.status)
	}
	f.call("GET", f.public, first.Callback+"?wait=30s", "ann", "").want(200, "") // over
	for _, bad := range []string{"0s", "61s", "-1s", "1500ms", "1", ""} {
		if a := f.call("GET", f.public, first.Callback+"?wait="+bad, "ann", ""); a.problem.Parameter != "wait" {
			t.Errorf("wait=%q: %d %s", bad, a.status, a.body)
		}
	}
}

// The bound of waiting polls answers at once.
func TestPollsMax(t *testing.T) {
	config := testConfig()
	config.PollsMax = 1
	f := serveWith(t, config)
	f.sale("gig", nil)
	d := f.bought("ann", "?q=1")
	answers := make(chan *answer, 2)
	for range 2 {
		go func() { answers <- f.call("GET", f.public, d.Callback+"?wait=30s", "ann", "") }()
	}
	(<-answers).want(503, "overloaded")
	f.pay(d.Seq, 1)
	(<-answers).want(200, "")
}

// The seller's live numbers come as they change.
func TestLiveNumbers(t *testing.T) {
	f := serve(t)
	f.sale("gig", nil)
	s := f.stream(f.private, "/v1/sales/gig/events", "@seller", "")
	detail, _ := nextOf[contract.SaleDetail](s, "sale")
	if detail.Available != 10 {
		t.Errorf("%+v", detail)
	}
	f.bought("ann", "?q=2")
	if detail, _ = nextOf[contract.SaleDetail](s, "sale"); detail.Held != 2 || detail.Buys["ok"] != 1 {
		t.Errorf("%+v", detail)
	}
	f.call("GET", f.private, "/v1/sales/none/events", "@seller", "").want(404, "unknown-sale")
	f.call("GET", f.private, "/v1/sales/gig/events", "@buyer", "").want(403, "forbidden")
}

// Who listens with a token is told nothing when it is over, whether something happens or not,
// and the stream ends; a sale's stream needs none and goes on.
func TestStreamsEndWithTheToken(t *testing.T) {
	testenv.TakesLong(t, "streams are looked at every second")
	for what, happens := range map[string]bool{"nothing happens": false, "the order expires": true} {
		t.Run(what, func(t *testing.T) {
			f := serveWith(t, streamConfig())
			f.sale("gig", nil)
			order := f.bought("ann", "?q=1")
			open := f.stream(f.public, "/v1/tickets/events?sale=gig", "", "")
			nextOf[contract.Sale](open, "sale")
			ends := []*eventStream{f.stream(f.public, order.Callback+"/events", "ann", ""),
				f.stream(f.private, "/v1/sales/gig/events", "@seller", ""), f.stream(f.private, "/v1/sales/gig/events", "@auditor", "")}
			for _, s := range ends {
				if e, more := s.next(); !more {
					t.Fatalf("%+v", e)
				}
			}
			f.clock.Store(int64(72 * time.Hour)) // tokens of tests are good for two days
			if happens {
				f.bought("bob", "?q=2") // one more than ann gives back
			}
			for i, s := range ends {
				if e, more := s.next(); more {
					t.Errorf("stream %d is told %+v after the end of its token", i, e)
				}
			}
			if !happens {
				f.bought("bob", "?q=2") // one more than ann gives back
			}
			nextOf[contract.Sale](open, "sale")
		})
	}
}
