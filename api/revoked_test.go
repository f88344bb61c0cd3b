package api

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/api/contract"
)

// Tokens that are revoked are 401 with a code of their own, remembered or not, and the event
// streams and long polls that they opened end; others' go on.
func TestRevokedTokens(t *testing.T) {
	f := serveWith(t, streamConfig())
	f.sale("gig", nil)
	anns, bobs := f.bought("ann", "?q=1"), f.bought("bob", "?q=1")
	hers := f.stream(f.public, anns.Callback+"/events", "ann", "")
	his := f.stream(f.public, bobs.Callback+"/events", "bob", "")
	sellers := f.stream(f.private, "/v1/sales/gig/events", "@seller", "")
	nextOf[contract.Order](hers, "order")
	nextOf[contract.Order](his, "order")
	nextOf[contract.SaleDetail](sellers, "sale")
	polled := make(chan *answer, 1)
	go func() { polled <- f.call("GET", f.public, anns.Callback+"?wait=30s", "ann", "") }()
	f.hasMetrics("onsale_polls_waiting 1")

	f.revoke("user ann", "user @seller")
	if e, more := hers.next(); more {
		t.Errorf("her stream goes on: %+v", e)
	}
	if e, more := sellers.next(); more {
		t.Errorf("the seller's stream goes on: %+v", e)
	}
	a := (<-polled).want(401, "token-revoked")
	if challenge := a.header.Get("WWW-Authenticate"); challenge == "" {
		t.Error("no WWW-Authenticate")
	}
	f.buy("ann", "?q=1").want(401, "token-revoked")
	f.call("GET", f.public, anns.Callback+"/events", "ann", "").want(401, "token-revoked")
	f.call("GET", f.private, "/v1/sales", "@seller", "").want(401, "token-revoked")
	f.call("DELETE", f.public, bobs.Callback, "bob", "").want(200, "")
	if order, _ := nextOf[contract.Order](his, "order"); order.State != "cancelled" {
		t.Errorf("his stream tells %+v", order)
	}

	f.revoke()
	f.call("GET", f.public, anns.Callback, "ann", "").want(200, "")
}

// A poll whose token is revoked while others are goes on.
func TestRevokedWhileOthersPoll(t *testing.T) {
	f := serveWith(t, streamConfig())
	f.sale("gig", nil)
	bobs := f.bought("bob", "?q=1")
	polled := make(chan *answer, 1)
	go func() { polled <- f.call("GET", f.public, bobs.Callback+"?wait=30s", "bob", "") }()
	f.hasMetrics("onsale_polls_waiting 1")
	for n := range 5 {
		f.revoke(fmt.Sprint("user ann", n))
	}
	f.hasMetrics("onsale_polls_waiting 1")
	f.call("DELETE", f.public, bobs.Callback, "bob", "").want(200, "")
	if order := into[contract.Order]((<-polled).want(200, "")); order.State != "cancelled" {
		t.Errorf("%+v", order)
	}
}

// When a secret is taken away, what was opened with its tokens ends as if these were revoked; what
// another secret or none of ours signed goes on.
func TestRemovedSecretEndsStreams(t *testing.T) {
	f := serveWith(t, streamConfig())
	f.sale("gig", nil)
	anns := f.bought("ann", "?q=1")
	hers := f.stream(f.public, anns.Callback+"/events", "ann", "")
	sellers := f.stream(f.private, "/v1/sales/gig/events", "@seller", "")
	nextOf[contract.Order](hers, "order")
	nextOf[contract.SaleDetail](sellers, "sale")
	polled := make(chan *answer, 1)
	go func() { polled <- f.call("GET", f.public, anns.Callback+"?wait=30s", "ann", "") }()
	f.hasMetrics("onsale_polls_waiting 1")

	both := apitest.TokenConfig()
	both.Clock = func() time.Time { return time.Now().Add(time.Duration(f.clock.Load())) }
	other := bytes.Repeat([]byte("z"), auth.SecretBytesMin)
	both.Secrets = append([][]byte{other}, both.Secrets...)
	must(t, f.tokens.Configure(both))
	f.hasMetrics("onsale_polls_waiting 1")
	f.call("DELETE", f.public, anns.Callback+"?q=1", "ann", "").want(200, "")
	if order, _ := nextOf[contract.Order](hers, "order"); order.State != "cancelled" {
		t.Errorf("her stream tells %+v", order)
	}
	(<-polled).want(200, "")

	again := f.bought("ann", "?q=1")
	second := f.stream(f.public, again.Callback+"/events", "ann", "")
	nextOf[contract.Order](second, "order")
	both.Secrets = both.Secrets[:1]
	must(t, f.tokens.Configure(both))
	for {
		if _, more := second.next(); !more {
			break
		}
	}
	for {
		if _, more := sellers.next(); !more {
			break
		}
	}
	f.call("GET", f.public, again.Callback, "ann", "").want(401, "unauthorized")
}

// revoke takes back all tokens of users until now, and nobody else's.
func (f *fixture) revoke(users ...string) {
	f.t.Helper()
	text := ""
	for _, user := range users {
		text += user + " before " + time.Now().Add(time.Hour).Format(time.RFC3339) + "\n"
	}
	revoked, err := auth.ParseRevocations([]byte(text))
	must(f.t, err)
	f.tokens.Revoke(revoked)
}
