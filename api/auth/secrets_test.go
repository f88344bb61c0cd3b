package auth

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func secretOf(letter string) []byte { return []byte(strings.Repeat(letter, SecretBytesMin)) }

// Secrets come a line each, the newest first, and what is wrong is named by its line.
func TestParseSecrets(t *testing.T) {
	a, b := string(secretOf("a")), string(secretOf("b"))
	for text, want := range map[string]string{
		a: a, a + "\n" + b + "\n": a + " " + b, "\n \n" + b + " \r\n\n\t" + a: b + " " + a,
	} {
		got, err := ParseSecrets([]byte(text))
		if err != nil || string(bytes.Join(got, []byte(" "))) != want {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	many := ""
	for i := range SecretsMax + 1 {
		many += strings.Repeat(string(rune('a'+i)), SecretBytesMin) + "\n"
	}
	for text, want := range map[string]string{
		"": "at least 32", "\n\n": "at least 32", a + "\n\nshort\n": "line 3 has 5 bytes", a + "\n" + b + "\n\n" + a: "line 4 has the secret of line 1",
		many: "line 9",
	} {
		if got, err := ParseSecrets([]byte(text)); !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	if id := KeyID([]byte("abc")); id != "ba7816bf" { // FIPS 180-2, appendix B.1
		t.Errorf("kid %s", id)
	}
}

// The newest secret signs and all verify; a kid of ours means that secret and no other, however
// the header is spelled, and one that is not ours means nothing.
func TestSeveralSecrets(t *testing.T) {
	config := testConfig()
	config.Secrets = [][]byte{secretOf("c"), secretOf("b"), secretOf("a")}
	v, err := NewVerifier(config)
	must(t, err)
	set, now := v.keys.Load(), time.Now()
	for _, secret := range config.Secrets {
		token, err := Issue(secret, Claims{User: "ann", TokenID: "t1", Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour)})
		must(t, err)
		parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
		if err != nil || parsed.Header["kid"] != KeyID(secret) {
			t.Errorf("header %v, %v", parsed.Header, err)
		}
		if header, signers := set.usual([]byte(token)); header == 0 || len(signers) != 1 {
			t.Errorf("a token of ours takes the slow way: %s", token)
		}
		who, err := v.Verify([]byte(token), now.Unix())
		if err != nil || who.TokenID != "t1" || who.Issued != now.Unix() {
			t.Errorf("%s: %+v %v", secret[:1], who, err)
		}
	}
	for name, c := range map[string]struct {
		secret []byte
		kid    any
		good   bool
	}{
		"no kid":                {secretOf("a"), nil, true},
		"somebody else's kid":   {secretOf("a"), "k1", true},
		"kid is a number":       {secretOf("a"), 7, true},
		"kid of another secret": {secretOf("a"), KeyID(secretOf("b")), false},
		"no secret of ours":     {secretOf("x"), KeyID(secretOf("x")), false},
		"our kid, their secret": {secretOf("x"), KeyID(secretOf("a")), false},
	} {
		token := signAs(t, jwt.SigningMethodHS256, c.kid, c.secret, goodClaims())
		if _, err := v.Verify(token, now.Unix()); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
		spelled := signAs(t, jwt.SigningMethodHS256, c.kid, c.secret, goodClaims(), "x5t") // another header
		if _, err := v.Verify(spelled, now.Unix()); (err == nil) != c.good {
			t.Errorf("%s, spelled otherwise: %v", name, err)
		}
	}
}
