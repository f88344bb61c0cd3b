package auth

import (
	"fmt"
	"testing"
	"time"
)

func testSecret() []byte { return []byte("0123456789abcdef0123456789abcdef") }

func testConfig() Config {
	config := DefaultConfig()
	config.Secrets = [][]byte{testSecret()}
	return config
}

func issueTest(tb testing.TB, user string, roles Roles) []byte {
	tb.Helper()
	now := time.Now()
	token, err := Issue(testSecret(), Claims{
		User: user, Roles: roles, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return []byte(token)
}

func BenchmarkVerifyHit(b *testing.B) {
	verifier, err := NewVerifier(testConfig())
	if err != nil {
		b.Fatal(err)
	}
	token := issueTest(b, "buyer-1", RoleBuyer)
	now := time.Now().Unix()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.Verify(token, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyMiss(b *testing.B) {
	config := testConfig()
	config.CacheEntries = 0
	verifier, err := NewVerifier(config)
	if err != nil {
		b.Fatal(err)
	}
	tokens := make([][]byte, 1024)
	for i := range tokens {
		tokens[i] = issueTest(b, fmt.Sprint("buyer-", i), RoleBuyer)
	}
	now := time.Now().Unix()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := verifier.Verify(tokens[i%len(tokens)], now); err != nil {
			b.Fatal(err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
