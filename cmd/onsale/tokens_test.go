package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/proof/testenv"
)

// provider is an identity provider with one key: its file, and tokens of it.
type provider struct {
	t    testing.TB
	file string
	key  ed25519.PrivateKey
}

func newProvider(t testing.TB) *provider {
	p := &provider{t: t, file: filepath.Join(t.TempDir(), "jwks.json")}
	p.rotate()
	return p
}

// rotate replaces the key and the file.
func (p *provider) rotate() {
	p.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{KeyID: "k", Key: public}}})
	if err == nil {
		err = os.WriteFile(p.file, data, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.key = private
}

func (p *provider) buyer(address, user string) *client.Client {
	p.t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": user, "iss": "https://login.example", "aud": "shop", "exp": time.Now().Add(time.Hour).Unix()})
	token.Header["kid"] = "k"
	text, err := token.SignedString(p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	b, err := client.New(client.Config{Address: address, Token: text})
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// Buyers come with tokens of where they log in, at a node and at a front-end that
// has no secret; sellers with tokens of the secret. A changed file counts.
func TestProvidersTokens(t *testing.T) {
	testenv.TakesLong(t, "a node and a front-end")
	t.Parallel()
	p := newProvider(t)
	nodes := newNodes(t, 1)
	n := nodes[0]
	n.extra = []string{"--jwks-file", p.file, "--token-issuer", "https://login.example", "--token-audience", "shop"}
	n.start()
	leaderAmong(t, nodes)
	openGig(t, n, 100)
	front := newFrontEnds(t, 1, nodes)[0]
	front.secretFile, front.extra = "", n.extra
	front.start()
	testenv.Eventually(t, time.Minute, "a front-end", front.ready)
	ctx := context.Background()
	for _, address := range []string{n.http, front.http} {
		if d, err := p.buyer(address, "ann").Buy(ctx, client.Purchase{Quantity: 1}); err != nil || d.State != "reserved" {
			t.Errorf("%s: %+v %v", address, d, err)
		}
	}
	old := p.buyer(n.http, "ann")
	if _, err := old.Orders(ctx, 0, ""); err != nil {
		t.Fatal(err)
	}
	p.rotate()
	testenv.Eventually(t, time.Minute, "the old key is gone", func() bool {
		_, err := old.Orders(ctx, 0, "")
		return errors.Is(err, contract.ErrUnauthorized)
	})
	if _, err := p.buyer(n.http, "bob").Orders(ctx, 0, ""); err != nil {
		t.Errorf("the new key: %v", err)
	}
}

func TestTokenSettings(t *testing.T) {
	p := newProvider(t)
	command(t, 0, "config", "validate", "--jwks-file", p.file, "--token-issuer", "https://login.example")
	has(t, command(t, 2, "config", "validate", "--jwks-file", p.file), "--token-issuer")
	has(t, command(t, 2, "config", "validate", "--token-issuer", "x"), "--jwks-file")
	has(t, command(t, 2, "config", "validate", "--token-leeway", "2h"), "--token-leeway")
	has(t, command(t, 2, "frontend", "--http", "127.0.0.1:0", "--private", "127.0.0.1:0", "--cluster", "127.0.0.1:1"), "--secret-file", "--jwks-file")
}
