package api

import (
	"bufio"
	"io"
	"net/http"
	"testing"
)

// waiting begins a request of a user on a connection of its own, which stays open.
func (f *fixture) waiting(user, target string) {
	f.t.Helper()
	_, err := io.WriteString(dial(f.t, f.public), "GET "+target+" HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "+f.token(user)+"\r\n\r\n")
	must(f.t, err)
}

// Two accounts cannot take all long polls: each has its bound, and others have theirs.
func TestPollsPerUser(t *testing.T) {
	config := testConfig()
	config.PollsMax, config.PollsPerUserMax = 5, 2
	f := serveWith(t, config)
	f.sale("gig", nil)
	poll := func(user string) string { return "/v1/orders/" + f.bought(user, "?q=1").Order + "?wait=60s" }
	ann, bob, cid, dan := poll("ann"), poll("bob"), poll("cid"), poll("dan")
	for range 2 {
		f.waiting("ann", ann)
		f.waiting("bob", bob)
	}
	f.hasMetrics("onsale_polls_waiting 4")
	a := f.call("GET", f.public, ann, "ann", "").want(429, "too-many-open")
	if a.header.Get("Retry-After") == "" {
		t.Error("it does not say when to come back")
	}
	f.waiting("cid", cid)
	f.hasMetrics("onsale_polls_waiting 5")
	f.call("GET", f.public, dan, "dan", "").want(503, "overloaded")
	f.hasMetrics(`onsale_polls_refused_total{bound="user"} 1`, `onsale_polls_refused_total{bound="all"} 1`, "onsale_polls_waiting 5")
}

// Streams of orders are bounded for each user, and a stream that ends gives the place back.
func TestStreamsPerUser(t *testing.T) {
	config := testConfig()
	config.StreamsPerUserMax = 1
	f := serveWith(t, config)
	f.sale("gig", nil)
	order := f.bought("ann", "?q=1").Order
	target := "/v1/orders/" + order + "/events"
	f.waiting("ann", target)
	f.hasMetrics("onsale_streams_open 1")
	f.call("GET", f.public, target, "ann", "").want(429, "too-many-open")

	other := dial(t, f.public)
	_, err := io.WriteString(other, "GET /v1/tickets/events HTTP/1.1\r\nHost: a\r\n\r\n")
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(other), nil)
	must(t, err)
	if response.StatusCode != 200 {
		t.Errorf("the stream of a sale is answered %d", response.StatusCode)
	}
	f.call("DELETE", f.public, "/v1/orders/"+order, "ann", "").want(200, "") // it is over, and so is its stream
	f.hasMetrics("onsale_streams_open 1", `onsale_streams_refused_total{bound="user"} 1`)
}
