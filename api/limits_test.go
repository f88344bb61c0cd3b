package api

import (
	"errors"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/api/limit"
)

// A user who asks too often is told so, when to come back, and can then; others
// and requests without a token do not pay for it.
func TestUserLimit(t *testing.T) {
	config := testConfig()
	config.UserRequestsPerSecond, config.UserBurst = 0.001, 3
	f := serveWith(t, config)
	f.sale("gig", nil)
	f.buy("ann", "?q=1").want(202, "")
	f.call("GET", f.public, "/v1/orders", "ann", "").want(200, "")
	f.call("GET", f.public, "/v1/orders/0000000000000000", "ann", "").want(404, "unknown-order")
	a := f.buy("ann", "?q=1").want(429, "throttled")
	for name, pattern := range map[string]string{
		"RateLimit": `^"user";r=0;t=(9[5-9][0-9]|1000)$`, "RateLimit-Policy": `^"user";q=3;w=3000$`, "Retry-After": `^(9[5-9][0-9]|100[0-4])$`,
	} {
		if got := a.header.Get(name); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s: %q", name, got)
		}
	}
	f.call("GET", f.public, "/v1/orders", "ann", "").want(429, "throttled")
	f.call("GET", f.public, "/v1/tickets", "", "").want(200, "")
	f.buy("bob", "?q=1").want(202, "")
	f.buy("", "?q=1").want(401, "unauthorized")
	if decided := f.backend.decided; decided != 2 {
		t.Errorf("%d came to the sale", decided)
	}
	f.clock.Store(int64(1001 * time.Second))
	f.buy("ann", "?q=1").want(202, "")

	text := string(f.call("GET", f.private, "/metrics", "@monitor", "").body)
	for _, line := range []string{`onsale_throttled_total{policy="user"} 2`, `onsale_limited_keys{policy="user"} 2`, `onsale_limited_keys_evicted_total{policy="user"} 0`,
		`onsale_http_refused_total{status="429"} 2`} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(text, `policy="address"`) {
		t.Error("a limit that is off has figures")
	}
}

// A network that asks too often is refused before anything looks at its tokens.
func TestAddressLimit(t *testing.T) {
	config := testConfig()
	config.AddressRequestsPerSecond, config.AddressBurst = 0.01, 2
	f := serveWith(t, config)
	f.sale("gig", nil)
	f.buy("ann", "?q=1").want(202, "")
	f.call("GET", f.public, "/v1/tickets", "", "").want(200, "")
	onlyAnn := "onsale_token_cache_misses_total 2" // and who asks for the metrics
	f.hasMetrics(onlyAnn)
	a := f.buy("bob", "?q=1", "X-Forwarded-For: 203.0.113.9").want(429, "throttled") // nobody is trusted
	if got := a.header.Get("RateLimit-Policy"); got != `"address";q=2;w=200` {
		t.Errorf("RateLimit-Policy %q", got)
	}
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || seconds < 50 || seconds > 104 {
		t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
	}
	f.hasMetrics(onlyAnn) // no other token was verified
	f.clock.Store(int64(101 * time.Second))
	f.buy("bob", "?q=1").want(202, "")
}

// Behind a trusted proxy each buyer's network has its own bucket, and what the
// proxy says must be clear.
func TestAddressLimitBehindProxy(t *testing.T) {
	config := testConfig()
	config.AddressRequestsPerSecond, config.AddressBurst = 0.001, 1
	config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	f := serveWith(t, config)
	f.sale("gig", nil)
	from := func(forwarded string) *answer { return f.buy("ann", "?q=1", "X-Forwarded-For: "+forwarded) }
	from("203.0.113.9").want(202, "")
	from("203.0.113.10").want(429, "throttled")              // the same /24
	from("198.51.100.1, 203.0.113.9").want(429, "throttled") // what the buyer claims does not count
	from("nonsense, 198.51.100.7, 127.0.0.9").want(202, "")  // two proxies in a row
	from("203.0.113.9, nonsense").want(400, "bad-request")   // the proxy itself speaks nonsense
	from("").want(400, "bad-request")
	twice := exchangeRaw(t, f.public, "GET /v1/tickets HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2\r\n\r\n")
	if twice.want(400, "bad-request").problem.Parameter != "X-Forwarded-For" {
		t.Errorf("two lines: %s", twice.body)
	}
}

func TestLimitBounds(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"each user: ":    func(c *Config) { c.UserRequestsPerSecond = -1 },
		"burst of 0":     func(c *Config) { c.UserBurst = 0 },
		"each address: ": func(c *Config) { c.AddressRequestsPerSecond, c.LimitedAddressesMax = 1, 0 },
		"TrustedProxies": func(c *Config) { c.TrustedProxies = []netip.Prefix{{}} },
		"65 TrustedProx": func(c *Config) { c.TrustedProxies = make([]netip.Prefix, 65) },
	} {
		config := DefaultConfig()
		change(&config)
		if err := config.Validate(); !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	off := DefaultConfig()
	off.UserRequestsPerSecond, off.UserBurst, off.LimitedUsersMax = 0, 0, 0
	must(t, off.Validate())
	var l limits
	if err := l.set(&off); err != nil || l[policyUser].Load() != nil || l[policyAddress].Load() != nil {
		t.Errorf("limits that are off: %v", err)
	}
}

// Limits are replaced while requests come. One that stays keeps its counts, and what does
// not do changes nothing.
func TestSetLimits(t *testing.T) {
	config := testConfig()
	config.UserRequestsPerSecond, config.UserBurst, config.LimitedUsersMax = 1e-3, 2, 100
	var l limits
	must(t, l.set(&config))
	user := l[policyUser].Load()
	config.AddressRequestsPerSecond, config.AddressBurst, config.LimitedAddressesMax = 5, 5, 100
	must(t, l.set(&config))
	if l[policyUser].Load() != user || l[policyAddress].Load() == nil {
		t.Error("the limit of users was replaced, or that of networks is not there")
	}
	config.UserBurst, config.AddressBurst = 7, -1
	if err := l.set(&config); !errors.Is(err, ErrBadConfig) || l[policyUser].Load() != user {
		t.Errorf("a limit that does not do: %v", err)
	}
	config.AddressRequestsPerSecond = 0
	must(t, l.set(&config))
	if now := l[policyUser].Load(); now.Config().Burst != 7 || l[policyAddress].Load() != nil {
		t.Errorf("limits are %+v", now.Config())
	}
}

func TestRateLimitHeaders(t *testing.T) {
	if got := rateLimit(policyUser, 3, 200*time.Millisecond); got != `"user";r=3;t=1` {
		t.Error(got)
	}
	for _, c := range []struct {
		most      int
		perSecond float64
		want      string
	}{{20, 5, `"user";q=20;w=4`}, {1, 1e9, `"user";q=1;w=1`}, {limit.BurstMax, 1e-9, `"user";q=1000000000;w=999999999999999`}} {
		if got := rateLimitPolicy(policyUser, c.most, c.perSecond); got != c.want {
			t.Error(got)
		}
	}
	for range 100 {
		problem := contract.NewProblem(contract.Throttled, "")
		problem.RetryAfter = 2500 * time.Millisecond
		if seconds := retryAfter(problem); seconds < 3 || seconds > 7 {
			t.Fatalf("Retry-After %d", seconds)
		}
	}
}
