package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/apitest"
	"onsale/api/challenge"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/api/limit"
)

func newTestGate(t testing.TB, bits int) *challenge.Work {
	t.Helper()
	gate, err := challenge.NewWork(challenge.WorkConfig{Secrets: [][]byte{apitest.Secret()}, DifficultyBits: bits, Window: challenge.DefaultWindow})
	must(t, err)
	return gate
}

// serveGated serves a sale behind a gate.
func serveGated(t *testing.T, gate challenge.Gate) *fixture {
	config := testConfig()
	config.Gate = gate
	f := serveWith(t, config)
	f.sale("gig", nil)
	return f
}

// A buy needs a solved challenge of the buyer's own; everything else does not.
func TestGate(t *testing.T) {
	f := serveGated(t, newTestGate(t, 6))
	f.buy("ann", "?q=1").want(403, "challenge-required")
	f.buy("ann", "").want(400, "bad-request")
	f.buy("", "?q=1").want(401, "unauthorized")
	f.call("GET", f.public, "/v1/challenge", "", "").want(401, "unauthorized")
	f.call("GET", f.public, "/v1/challenge?x=1", "ann", "").want(400, "bad-request")
	before := time.Now()
	a := f.call("GET", f.public, "/v1/challenge", "ann", "").want(200, "")
	c := into[contract.Challenge](a)
	if c.DifficultyBits != 6 || c.ExpiresAt.Sub(before) < challenge.DefaultWindow || time.Until(c.ExpiresAt) > 2*challenge.DefaultWindow || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v", c)
	}
	text, err := challenge.Solve(context.Background(), c.Challenge, c.DifficultyBits)
	must(t, err)
	response := "X-Challenge-Response: " + text
	f.buy("ann", "?q=1", response).want(202, "")
	f.buy("ann", "?q=1", response).want(202, "")
	if a := f.buy("bob", "?q=1", response).want(403, "challenge-required"); !strings.Contains(a.problem.Detail, "not this buyer's") {
		t.Errorf("detail %q", a.problem.Detail)
	}
	f.buy("ann", "?q=1", "X-Challenge-Response: nonsense").want(403, "challenge-required")
	if f.backend.decided != 2 {
		t.Errorf("%d came to the sale", f.backend.decided)
	}
	exchangeRaw(t, f.public, "POST /v1/tickets?q=1 HTTP/1.1\r\nHost: a\r\n"+response+"\r\n"+response+"\r\n\r\n").want(400, "bad-request")
	f.clock.Store(int64(time.Hour))
	f.buy("ann", "?q=1", response).want(403, "challenge-required")
}

// refusingGate is somebody else's gate, which makes no challenges.
type refusingGate struct{}

func (refusingGate) Check(user string, _ []byte, _ time.Time) error {
	return errors.New("not today, " + user)
}

func TestOtherGates(t *testing.T) {
	f := serveGated(t, refusingGate{})
	if a := f.buy("ann", "?q=1").want(403, "challenge-required"); a.problem.Detail != "not today, ann" {
		t.Errorf("detail %q", a.problem.Detail)
	}
	f.call("GET", f.public, "/v1/challenge", "ann", "").want(404, "not-found")
	open := serveGated(t, nil)
	open.call("GET", open.public, "/v1/challenge", "ann", "").want(404, "not-found")
	open.buy("ann", "?q=1", "X-Challenge-Response: whatever").want(202, "")
}

// The client solves what it is asked, up to its bound.
func TestClientSolvesChallenges(t *testing.T) {
	f := serveGated(t, newTestGate(t, 8))
	buyer, err := client.New(client.Config{Address: f.public, Token: f.token("ann"), HTTP: f.client})
	must(t, err)
	for _, most := range []int{0, 7} {
		if _, err := buyer.Buy(context.Background(), client.Purchase{Quantity: 1, ChallengeBitsMax: most}); !errors.Is(err, contract.ErrChallengeRequired) {
			t.Errorf("%d bits: %v", most, err)
		}
	}
	d, err := buyer.Buy(context.Background(), client.Purchase{Quantity: 1, ChallengeBitsMax: 8})
	if err != nil || d.State != "reserved" {
		t.Errorf("%+v %v", d, err)
	}
}

// TestGuardedBuyDoesNotAllocate: with all that keeps abusers away the hot path is
// as it was.
func TestGuardedBuyDoesNotAllocate(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("instrumented")
	}
	gate, config := newTestGate(t, 4), benchConfig()
	config.Gate = gate
	config.AddressRequestsPerSecond, config.AddressBurst = limit.PerSecondMax, limit.BurstMax
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("0.0.0.0/8")} // 0.0.0.0 is what a test's request has
	c := gate.Issue("buyer-0001", time.Now())
	text, err := challenge.Solve(context.Background(), c.Text, c.DifficultyBits)
	must(t, err)
	more := "X-Challenge-Response: " + text + "\r\nX-Forwarded-For: 192.0.2.1, 2001:db8::1, 10.0.0.7"
	ctx := &fasthttp.RequestCtx{}
	must(t, ctx.Request.Read(bufio.NewReader(bytes.NewReader(bytes.Replace(benchBuy(t), []byte("Accept: */*"), []byte(more), 1)))))
	handler := benchServerWith(t, config).Handler
	if allocations := testing.AllocsPerRun(200, func() { ctx.Response.Reset(); handler(ctx) }); allocations > 0 {
		t.Errorf("%v allocations a buy", allocations)
	}
	if ctx.Response.StatusCode() != 202 {
		t.Errorf("answer %d %s", ctx.Response.StatusCode(), ctx.Response.Body())
	}
}
