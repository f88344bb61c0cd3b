package apitest

import (
	"testing"
	"time"

	"onsale/api/auth"
)

// Secret returns the secret of the tests' tokens.
func Secret() []byte { return []byte("0123456789abcdef0123456789abcdef") }

// TokenConfig returns the configuration that takes them.
func TokenConfig() auth.Config {
	config := auth.DefaultConfig()
	config.Secrets = [][]byte{Secret()}
	return config
}

// Verifier returns what takes the tests' tokens.
func Verifier(tb testing.TB) *auth.Verifier {
	tb.Helper()
	verifier, err := auth.NewVerifier(TokenConfig())
	if err != nil {
		tb.Fatal(err)
	}
	return verifier
}

// Token returns a token that is good for an hour, for the sales that match, every sale without.
func Token(tb testing.TB, user string, roles auth.Roles, sales ...string) string {
	tb.Helper()
	now := time.Now()
	token, err := auth.Issue(Secret(), auth.Claims{
		User: user, Roles: roles, Sales: sales, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return token
}
