package auth

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// sign makes a token of any claims, good or bad.
func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) []byte {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	must(t, err)
	return []byte(token)
}

func goodClaims() jwt.MapClaims {
	return jwt.MapClaims{"sub": "ann", "iss": "onsale", "aud": "onsale", "exp": time.Now().Add(time.Hour).Unix()}
}

func with(name string, value any) jwt.MapClaims {
	claims := goodClaims()
	if value == nil {
		delete(claims, name)
	} else {
		claims[name] = value
	}
	return claims
}

func TestVerifyRefuses(t *testing.T) {
	verifier, err := NewVerifier(testConfig())
	must(t, err)
	now := time.Now().Unix()
	good := sign(t, jwt.SigningMethodHS256, testSecret(), goodClaims())
	if who, err := verifier.Verify(good, now); err != nil || string(who.User) != "ann" || who.Roles != RoleBuyer {
		t.Fatalf("good token: %+v %v", who, err)
	}
	hs := func(claims jwt.MapClaims) []byte { return sign(t, jwt.SigningMethodHS256, testSecret(), claims) }
	swapped := append([]byte(nil), good...)
	swapped[len(swapped)-2] ^= 1
	for name, token := range map[string][]byte{
		"empty": nil, "no token": []byte("x"), "three parts": []byte("a.b.c"),
		"other secret":      sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), goodClaims()),
		"HS512":             sign(t, jwt.SigningMethodHS512, testSecret(), goodClaims()),
		"none":              sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, goodClaims()),
		"changed signature": swapped,
		"cut":               good[:len(good)-1],
		"longer":            append(append([]byte(nil), good...), 'A'),
		"no exp":            hs(with("exp", nil)),
		"exp is text":       hs(with("exp", "tomorrow")),
		"over":              hs(with("exp", time.Now().Add(-time.Hour).Unix())),
		"not yet":           hs(with("nbf", time.Now().Add(time.Hour).Unix())),
		"no aud":            hs(with("aud", nil)),
		"other aud":         hs(with("aud", "someone")),
		"no iss":            hs(with("iss", nil)),
		"other iss":         hs(with("iss", "someone")),
		"no sub":            hs(with("sub", nil)),
		"empty sub":         hs(with("sub", "")),
		"long sub":          hs(with("sub", strings.Repeat("u", 129))),
		"sub is a number":   hs(with("sub", 5)),
		"unknown role":      hs(with("roles", []string{"king"})),
		"roles is text":     hs(with("roles", "buyer")),
	} {
		for range 2 { // what was refused is not remembered
			if who, err := verifier.Verify(token, now); err == nil || !errors.Is(err, ErrBadToken) {
				t.Errorf("%s: %+v %v", name, who, err)
			}
		}
	}
	several := hs(with("aud", []string{"shop", "onsale"}))
	if _, err := verifier.Verify(several, now); err != nil {
		t.Errorf("one of several audiences: %v", err)
	}
}

// TestVerifyBadUTF8: a subject must be text; JSON turns what is not into U+FFFD.
func TestVerifyBadUTF8(t *testing.T) {
	verifier, err := NewVerifier(testConfig())
	must(t, err)
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	signing := part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(`{"sub":"a`+"\xff"+`","iss":"onsale","aud":"onsale","exp":99999999999}`)
	signature, err := jwt.SigningMethodHS256.Sign(signing, testSecret())
	must(t, err)
	who, err := verifier.Verify([]byte(signing+"."+base64.RawURLEncoding.EncodeToString(signature)), 1)
	if err == nil && string(who.User) != "a\ufffd" {
		t.Errorf("user %q", who.User)
	}
}

func TestVerifyCacheExpires(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	now := start
	config := testConfig()
	config.Clock = func() time.Time { return now }
	config.Leeway = 10 * time.Second
	verifier, err := NewVerifier(config)
	must(t, err)
	token := sign(t, jwt.SigningMethodHS256, testSecret(), with("exp", start.Add(time.Minute).Unix()))
	verify := func() error { _, err := verifier.Verify(token, now.Unix()); return err }
	must(t, verify())
	must(t, verify())
	if hits, misses := verifier.hits.Sum(), verifier.misses.Load(); hits != 1 || misses != 1 {
		t.Errorf("%d hits and %d misses, want 1 and 1", hits, misses)
	}
	now = start.Add(69 * time.Second)
	must(t, verify())
	now = start.Add(70 * time.Second)
	if err := verify(); !errors.Is(err, ErrExpired) {
		t.Errorf("after exp and leeway: %v", err)
	}
}

func TestVerifyRotation(t *testing.T) {
	config := testConfig()
	verifier, err := NewVerifier(config)
	must(t, err)
	now := time.Now().Unix()
	newSecret := []byte(strings.Repeat("n", 32))
	old := sign(t, jwt.SigningMethodHS256, testSecret(), goodClaims())
	fresh := sign(t, jwt.SigningMethodHS256, newSecret, goodClaims())
	check := func(step string, oldGood, freshGood bool) {
		t.Helper()
		for range 2 {
			_, oldErr := verifier.Verify(old, now)
			_, freshErr := verifier.Verify(fresh, now)
			if (oldErr == nil) != oldGood || (freshErr == nil) != freshGood {
				t.Errorf("%s: old %v, fresh %v", step, oldErr, freshErr)
			}
		}
	}
	check("before", true, false)
	config.Secrets = [][]byte{newSecret, testSecret()}
	must(t, verifier.Configure(config))
	check("during", true, true)
	config.Secrets = [][]byte{newSecret}
	must(t, verifier.Configure(config))
	check("after", false, true)
}

func TestVerifyCacheIsBounded(t *testing.T) {
	config := testConfig()
	config.CacheEntries = 64
	verifier, err := NewVerifier(config)
	must(t, err)
	now := time.Now().Unix()
	for i := range 300 {
		user := strings.Repeat("u", 1+i%100)
		for range 2 {
			who, err := verifier.Verify(issueTest(t, user, RoleBuyer), now)
			if err != nil || string(who.User) != user {
				t.Fatalf("user %s: %+v %v", user, who, err)
			}
		}
	}
	if buckets := len(verifier.keys.Load().cache.buckets); buckets*ways != 64 {
		t.Errorf("%d buckets", buckets)
	}
}

func TestVerifyHitDoesNotAllocate(t *testing.T) {
	verifier, err := NewVerifier(testConfig())
	must(t, err)
	token := issueTest(t, "ann", RoleBuyer)
	now := time.Now().Unix()
	if allocations := testing.AllocsPerRun(100, func() { _, _ = verifier.Verify(token, now) }); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestIssue(t *testing.T) {
	now := time.Now()
	good := Claims{User: "ann", Roles: RoleSeller | RoleAuditor, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour)}
	token, err := Issue(testSecret(), good)
	must(t, err)
	verifier, err := NewVerifier(testConfig())
	must(t, err)
	who, err := verifier.Verify([]byte(token), now.Unix())
	if err != nil || who.Roles != good.Roles || string(who.User) != "ann" {
		t.Errorf("issued token: %+v %v", who, err)
	}
	for name, change := range map[string]func(*Claims){
		"no user": func(c *Claims) { c.User = "" }, "bad user": func(c *Claims) { c.User = "\xff" },
		"no issuer": func(c *Claims) { c.Issuer = "" }, "over": func(c *Claims) { c.Expires = c.Issued },
	} {
		bad := good
		change(&bad)
		if _, err := Issue(testSecret(), bad); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Issue([]byte("short"), good); !errors.Is(err, ErrBadConfig) {
		t.Errorf("short secret: %v", err)
	}
}

func TestConfigBounds(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no secret": func(c *Config) { c.Secrets = nil }, "three secrets": func(c *Config) { c.Secrets = make([][]byte, 3) },
		"short secret": func(c *Config) { c.Secrets = [][]byte{[]byte("x")} }, "no issuer": func(c *Config) { c.Issuer = "" },
		"leeway": func(c *Config) { c.Leeway = -1 }, "cache": func(c *Config) { c.CacheEntries = -1 }, "clock": func(c *Config) { c.Clock = nil },
	} {
		config := testConfig()
		change(&config)
		if _, err := NewVerifier(config); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
