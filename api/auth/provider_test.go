package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// testSigners are a provider's key pairs, one of each kind, by kid.
type testSigners struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
	ed  ed25519.PrivateKey
}

// signers makes the keys once: RSA keys take their time.
var signers = sync.OnceValue(func() testSigners {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, ecErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edKey, edErr := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err, ecErr, edErr); err != nil {
		panic(err)
	}
	return testSigners{rsaKey, ecKey, edKey}
})

func (s testSigners) keys() []jose.JSONWebKey {
	return []jose.JSONWebKey{
		{KeyID: "r", Algorithm: "RS256", Use: "sig", Key: &s.rsa.PublicKey}, {KeyID: "e", Key: &s.ec.PublicKey}, {KeyID: "d", Key: s.ed.Public()},
	}
}

func keySetOf(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	must(t, err)
	return data
}

// openKeys writes a key file and opens it, beside one of the secret.
func openKeys(t testing.TB, data []byte, log *slog.Logger) (*Follower, string) {
	t.Helper()
	path, secret := filepath.Join(t.TempDir(), "jwks.json"), filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, data, 0o600))
	must(t, os.WriteFile(secret, testSecret(), 0o600))
	config := DefaultConfig()
	config.Provider = &Provider{Issuer: "https://login.example", Audience: "shop"}
	k, err := Follow(FollowConfig{Secrets: secret, Keys: path, Tokens: config, Logger: log})
	must(t, err)
	return k, path
}

// look looks at all files, and reports whether one does not load.
func (f *Follower) look() (stale bool) {
	for _, file := range f.Files() {
		_ = file.Look()
		since, _ := file.Trouble()
		stale = stale || since != nil
	}
	return stale
}

// theirClaims are claims of the provider, with one of them changed; nil removes it.
func theirClaims(change ...any) jwt.MapClaims {
	claims := jwt.MapClaims{"sub": "ann", "iss": "https://login.example", "aud": "shop", "exp": time.Now().Add(time.Hour).Unix(),
		"iat": time.Now().Unix(), "nbf": time.Now().Unix()}
	for i := 0; i < len(change); i += 2 {
		if claims[change[i].(string)] = change[i+1]; change[i+1] == nil {
			delete(claims, change[i].(string))
		}
	}
	return claims
}

// signAs makes a token with a kid in its header; nil for none.
func signAs(t testing.TB, method jwt.SigningMethod, kid any, key any, claims jwt.MapClaims, header ...string) []byte {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != nil {
		token.Header["kid"] = kid
	}
	for _, name := range header {
		token.Header[name] = []string{"exp"}
	}
	text, err := token.SignedString(key)
	must(t, err)
	return []byte(text)
}

func TestProviderAlgorithms(t *testing.T) {
	s := signers()
	k, _ := openKeys(t, keySetOf(t, s.keys()...), slog.New(slog.DiscardHandler))
	v, now := k.Verifier(), time.Now().Unix()
	for name, token := range map[string][]byte{
		"RS256": signAs(t, jwt.SigningMethodRS256, "r", s.rsa, theirClaims()),
		"ES256": signAs(t, jwt.SigningMethodES256, "e", s.ec, theirClaims("roles", []string{"seller"})),
		"EdDSA": signAs(t, jwt.SigningMethodEdDSA, "d", s.ed, theirClaims("aud", []string{"x", "shop"})),
	} {
		hits := v.hits.Sum()
		for range 2 {
			who, err := v.Verify(token, now)
			if err != nil || string(who.User) != "ann" || who.Roles == RoleSeller != (name == "ES256") {
				t.Errorf("%s: %+v %v", name, who, err)
			}
		}
		if v.hits.Sum() != hits+1 {
			t.Errorf("%s is not remembered", name)
		}
	}
	if _, err := v.Verify(issueTest(t, "opal", RoleOperator), now); err != nil {
		t.Errorf("a token of the secret: %v", err)
	}
}

// publicForms are how a public key could be used as an HMAC secret.
func publicForms(t testing.TB, key *rsa.PublicKey) [][]byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	must(t, err)
	pkcs1 := x509.MarshalPKCS1PublicKey(key)
	return [][]byte{der, pkcs1, key.N.Bytes(),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1})}
}

func TestProviderRefuses(t *testing.T) {
	s := signers()
	k, _ := openKeys(t, keySetOf(t, s.keys()...), slog.New(slog.DiscardHandler))
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	ed := func(change ...any) []byte {
		return signAs(t, jwt.SigningMethodEdDSA, "d", s.ed, theirClaims(change...))
	}
	good := ed()
	changed := bytes.Clone(good)
	changed[len(changed)-3] ^= 1
	bad := map[string][]byte{
		"no kid":                signAs(t, jwt.SigningMethodEdDSA, nil, s.ed, theirClaims()),
		"wrong kid":             signAs(t, jwt.SigningMethodEdDSA, "x", s.ed, theirClaims()),
		"kid is a number":       signAs(t, jwt.SigningMethodEdDSA, 7, s.ed, theirClaims()),
		"kid of another key":    signAs(t, jwt.SigningMethodEdDSA, "e", s.ed, theirClaims()),
		"a stranger's key":      signAs(t, jwt.SigningMethodEdDSA, "d", stranger, theirClaims()),
		"RS512":                 signAs(t, jwt.SigningMethodRS512, "r", s.rsa, theirClaims()),
		"PS256":                 signAs(t, jwt.SigningMethodPS256, "r", s.rsa, theirClaims()),
		"none":                  signAs(t, jwt.SigningMethodNone, "r", jwt.UnsafeAllowNoneSignatureType, theirClaims()),
		"critical header":       signAs(t, jwt.SigningMethodEdDSA, "d", s.ed, theirClaims(), "crit"),
		"changed signature":     changed,
		"no signature":          good[:bytes.LastIndexByte(good, '.')+1],
		"our issuer":            ed("iss", "onsale"),
		"our audience":          ed("aud", "onsale"),
		"no iss":                ed("iss", nil),
		"no aud":                ed("aud", nil),
		"no exp":                ed("exp", nil),
		"no sub":                ed("sub", nil),
		"over":                  ed("exp", time.Now().Add(-time.Minute).Unix()),
		"not yet":               ed("nbf", time.Now().Add(time.Hour).Unix()),
		"iat is text":           ed("iat", "yesterday"),
		"unknown role":          ed("roles", []string{"king"}),
		"our secret, their iss": signAs(t, jwt.SigningMethodHS256, "d", testSecret(), theirClaims()),
		"our secret, no kid":    signAs(t, jwt.SigningMethodHS256, nil, testSecret(), theirClaims()),
	}
	for i, form := range publicForms(t, &s.rsa.PublicKey) {
		bad["confusion "+string(rune('a'+i))] = signAs(t, jwt.SigningMethodHS256, "r", form, theirClaims())
		bad["confusion without kid "+string(rune('a'+i))] = signAs(t, jwt.SigningMethodHS256, nil, form, goodClaims())
	}
	for name, token := range bad {
		for range 2 {
			if who, err := k.Verifier().Verify(token, time.Now().Unix()); !errors.Is(err, ErrBadToken) {
				t.Errorf("%s: %+v %v", name, who, err)
			}
		}
	}
	if _, err := k.Verifier().Verify(bad["over"], 1); !errors.Is(err, ErrExpired) {
		t.Errorf("over: %v", err)
	}
}

// Without a secret no HMAC is accepted, not even one with an empty key.
func TestProviderAlone(t *testing.T) {
	s := signers()
	keys, _, err := ParseKeys(keySetOf(t, s.keys()...))
	must(t, err)
	config := DefaultConfig()
	config.Provider = &Provider{Issuer: "https://login.example", Audience: "shop", Keys: keys}
	v, err := NewVerifier(config)
	must(t, err)
	now := time.Now().Unix()
	if _, err := v.Verify(signAs(t, jwt.SigningMethodRS256, "r", s.rsa, theirClaims()), now); err != nil {
		t.Error(err)
	}
	for _, secret := range [][]byte{testSecret(), {}} {
		for _, kid := range []any{nil, "r"} {
			if _, err := v.Verify(signAs(t, jwt.SigningMethodHS256, kid, secret, goodClaims()), now); !errors.Is(err, ErrBadToken) {
				t.Errorf("HMAC with %q: %v", secret, err)
			}
		}
	}
	config.Provider.Issuer = ""
	if _, err := NewVerifier(config); !errors.Is(err, ErrBadConfig) {
		t.Errorf("no issuer: %v", err)
	}
	if _, err := Follow(FollowConfig{Keys: "x", Tokens: DefaultConfig()}); !errors.Is(err, ErrBadConfig) {
		t.Errorf("no provider: %v", err)
	}
}

// A changed file counts, a bad one changes nothing and is told once, and a key
// that is gone takes the tokens with it that were verified before.
func TestKeyFileReload(t *testing.T) {
	s := signers()
	log := new(bytes.Buffer)
	k, path := openKeys(t, keySetOf(t, s.keys()[0]), slog.New(slog.NewTextHandler(log, nil)))
	v, now := k.Verifier(), time.Now().Unix()
	rs, ed := signAs(t, jwt.SigningMethodRS256, "r", s.rsa, theirClaims()), signAs(t, jwt.SigningMethodEdDSA, "d", s.ed, theirClaims())
	check := func(step string, rsGood, edGood bool, stale bool) {
		t.Helper()
		isStale := k.look()
		_, rsErr := v.Verify(rs, now)
		_, edErr := v.Verify(ed, now)
		if (rsErr == nil) != rsGood || (edErr == nil) != edGood || isStale != stale {
			t.Errorf("%s: RSA %v, Ed25519 %v, stale %v", step, rsErr, edErr, isStale)
		}
	}
	write := func(data []byte) { t.Helper(); must(t, os.WriteFile(path, data, 0o600)) }
	check("one key", true, false, false)
	hits := v.hits.Sum()
	write(keySetOf(t, s.keys()...))
	check("three keys", true, true, false)
	if v.hits.Sum() != hits+1 {
		t.Error("a key that was added made a verified token be verified again")
	}
	whole := keySetOf(t, s.keys()...)
	write(whole[:len(whole)/2])
	check("half a file", true, true, true)
	check("half a file still", true, true, true)
	must(t, os.Remove(path))
	check("no file", true, true, true)
	write([]byte(`{"keys":[]}`))
	check("no keys", true, true, true)
	if told := strings.Count(log.String(), "does not load"); told != 3 {
		t.Errorf("told %d times:\n%s", told, log)
	}
	write(keySetOf(t, s.keys()[1:]...))
	check("one is gone", false, true, false)
	if v.providerKeys() != 2 {
		t.Errorf("%d keys", v.providerKeys())
	}
	// The same id with another key: what the old key signed is over.
	_, fresh, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	write(keySetOf(t, jose.JSONWebKey{KeyID: "d", Key: fresh.Public()}))
	check("another key", false, false, false)
}

func TestParseKeysRefuses(t *testing.T) {
	s := signers()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	many := make([]jose.JSONWebKey, ProviderKeysMax+1)
	for i := range many {
		many[i] = s.keys()[2]
	}
	for name, data := range map[string][]byte{
		"empty":         nil,
		"no set":        []byte(`[]`),
		"no keys":       []byte(`{}`),
		"secret":        keySetOf(t, s.keys()[0], jose.JSONWebKey{KeyID: "s", Key: testSecret()}),
		"private":       keySetOf(t, jose.JSONWebKey{KeyID: "d", Key: s.ed}),
		"private RSA":   keySetOf(t, jose.JSONWebKey{KeyID: "r", Key: s.rsa}),
		"no kid":        keySetOf(t, jose.JSONWebKey{Key: s.ed.Public()}),
		"private, enc":  keySetOf(t, s.keys()[0], jose.JSONWebKey{KeyID: "p", Use: "enc", Key: s.rsa}),
		"private P-384": keySetOf(t, s.keys()[0], jose.JSONWebKey{KeyID: "p", Key: p384}),
		"private, junk": []byte(`{"keys":[` + ed25519Key + `,{"kty":"XYZ","d":7}]}`),
		"secret, junk":  []byte(`{"keys":[` + ed25519Key + `,{"kty":"oct"}]}`),
		"small RSA":     keySetOf(t, jose.JSONWebKey{KeyID: "r", Key: &small.PublicKey}),
		"exponent 1":    keySetOf(t, jose.JSONWebKey{KeyID: "r", Key: &rsa.PublicKey{N: s.rsa.N, E: 1}}),
		"only P-384":    keySetOf(t, jose.JSONWebKey{KeyID: "e", Key: &p384.PublicKey}),
		"encryption":    keySetOf(t, jose.JSONWebKey{KeyID: "r", Use: "enc", Key: &s.rsa.PublicKey}),
		"RSA for PS256": keySetOf(t, jose.JSONWebKey{KeyID: "r", Algorithm: "PS256", Key: &s.rsa.PublicKey}),
		"EC for RS256":  keySetOf(t, jose.JSONWebKey{KeyID: "e", Algorithm: "RS256", Key: &s.ec.PublicKey}),
		"off the curve": []byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"e","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]}`),
		"short Ed25519": []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"d","x":"AAAA"}]}`),
		"too many":      keySetOf(t, many...),
	} {
		if keys, _, err := ParseKeys(data); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v %v", name, keys, err)
		}
	}
}

// ed25519Key is the example of RFC 8037, appendix A.2.
const ed25519Key = `{"kty":"OKP","crv":"Ed25519","kid":"8037","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

// A key that cannot be used leaves the others in force, and is told (RFC 7517, section 5).
func TestParseKeysLeavesOut(t *testing.T) {
	s := signers()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	good := string(keySetOf(t, s.keys()...))
	of := func(key jose.JSONWebKey) string {
		set := string(keySetOf(t, key))
		return set[len(`{"keys":[`) : len(set)-len(`]}`)]
	}
	for name, c := range map[string]struct{ key, why string }{
		"small RSA":     {of(jose.JSONWebKey{KeyID: "x", Key: &small.PublicKey}), "1024 bits"},
		"exponent 1":    {of(jose.JSONWebKey{KeyID: "x", Key: &rsa.PublicKey{N: s.rsa.N, E: 1}}), "key 4"},
		"no kid":        {of(jose.JSONWebKey{Key: s.ed.Public()}), "no kid"},
		"one kid twice": {of(s.keys()[2]), `kid "d"`},
		"P-384":         {of(jose.JSONWebKey{KeyID: "x", Key: &p384.PublicKey}), "P-384"},
		"RS512":         {of(jose.JSONWebKey{KeyID: "x", Algorithm: "RS512", Key: &s.rsa.PublicKey}), "RS512"},
		"unknown kty":   {`{"kty":"XYZ","kid":"x"}`, "XYZ"},
		"no kty":        {`{}`, "none of RS256"},
		"off the curve": {`{"kty":"EC","crv":"P-256","kid":"x","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`, "key 4"},
		"short Ed25519": {`{"kty":"OKP","crv":"Ed25519","kid":"x","x":"AAAA"}`, "key 4"},
		"no x":          {`{"kty":"OKP","crv":"Ed25519","kid":"x"}`, "key 4"},
		"no object":     {`7`, "key 4"},
		"kty is 7":      {`{"kty":7}`, "key 4"},
		"for others":    {of(jose.JSONWebKey{KeyID: "x", Use: "enc", Key: &s.rsa.PublicKey}), ""},
	} {
		keys, leftOut, err := ParseKeys([]byte(good[:len(good)-2] + "," + c.key + "]}"))
		if err != nil || len(keys) != 3 || len(leftOut) > 1 || (len(leftOut) == 1) != (c.why != "") {
			t.Errorf("%s: %d keys, left out %q, %v", name, len(keys), leftOut, err)
			continue
		}
		if c.why != "" && (!strings.Contains(leftOut[0], c.why) || !strings.Contains(leftOut[0], "key 4")) {
			t.Errorf("%s: %q", name, leftOut)
		}
	}
	both, leftOut, err := ParseKeys(keySetOf(t, s.keys()[0], jose.JSONWebKey{KeyID: "r", Key: s.ed.Public()}))
	if err != nil || len(both) != 2 || len(leftOut) != 0 {
		t.Errorf("one kid for two algorithms: %v %q %v", both, leftOut, err)
	}
	config := testConfig()
	config.Provider = &Provider{Issuer: "https://login.example", Audience: "shop", Keys: both}
	v, err := NewVerifier(config)
	must(t, err)
	for _, token := range [][]byte{signAs(t, jwt.SigningMethodRS256, "r", s.rsa, theirClaims()), signAs(t, jwt.SigningMethodEdDSA, "r", s.ed, theirClaims())} {
		if _, err := v.Verify(token, time.Now().Unix()); err != nil {
			t.Error(err)
		}
	}
}

// The examples of RFC 8037 (appendix A.2) and RFC 7517 (appendix A.1).
func TestParseKeysOfOthers(t *testing.T) {
	const set = `{"keys":[
	{"kty":"OKP","crv":"Ed25519","kid":"8037","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
	{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
	{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}`
	keys, leftOut, err := ParseKeys([]byte(set))
	must(t, err)
	if len(leftOut) != 0 { // the second is for others
		t.Errorf("left out: %q", leftOut)
	}
	if len(keys) != 2 || keys[0].ID != "8037" || keys[0].Algorithm != "EdDSA" || keys[1].Algorithm != "RS256" || keys[1].ID != "2011-04-29" {
		t.Errorf("%+v", keys)
	}
	token := "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
	signature := "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	raw, err := jwt.NewParser().DecodeSegment(signature)
	must(t, err)
	if err := jwt.SigningMethodEdDSA.Verify(token, raw, keys[0].Key); err != nil {
		t.Errorf("RFC 8037, appendix A.4: %v", err)
	}
}

func BenchmarkVerifyProvider(b *testing.B) {
	s := signers()
	config := testConfig()
	config.CacheEntries = 0
	keys, _, err := ParseKeys(keySetOf(b, s.keys()...))
	must(b, err)
	config.Provider = &Provider{Issuer: "https://login.example", Audience: "shop", Keys: keys}
	v, err := NewVerifier(config)
	must(b, err)
	now := time.Now().Unix()
	for name, token := range map[string][]byte{
		"RS256": signAs(b, jwt.SigningMethodRS256, "r", s.rsa, theirClaims()),
		"ES256": signAs(b, jwt.SigningMethodES256, "e", s.ec, theirClaims()),
		"EdDSA": signAs(b, jwt.SigningMethodEdDSA, "d", s.ed, theirClaims()),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := v.Verify(token, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
