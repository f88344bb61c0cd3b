package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signText signs a header and claims as they stand, with our secret.
func signText(header, claims string) []byte {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, testSecret())
	mac.Write([]byte(signed))
	return []byte(signed + "." + encode(mac.Sum(nil)))
}

// A token has one reading: names are exact, come once, and texts are UTF-8. Whether its
// header is the usual one or not makes no difference.
func TestClaimsHaveOneReading(t *testing.T) {
	v, err := NewVerifier(testConfig())
	must(t, err)
	exp := time.Now().Add(time.Hour).Unix()
	rest := fmt.Sprintf(`"iss":"onsale","aud":"onsale","exp":%d`, exp)
	for _, header := range []string{`{"alg":"HS256","typ":"JWT"}`, `{"typ":"JWT","alg":"HS256"}`} {
		for claims, user := range map[string]string{
			`{"sub":"ann",` + rest + `}`:                               "ann",
			`{ "sub" : "ann", ` + rest + ` }`:                          "ann",
			`{"sub":"\u0061nn",` + rest + `}`:                          "ann",
			`{"sub":"ann","SUB":"bob",` + rest + `}`:                   "ann", // another claim, which nobody asks for
			`{"sub":"ann","Roles":["seller"],` + rest + `}`:            "ann",
			`{"sub":"ann","custom":{"roles":["seller"]},` + rest + `}`: "ann",
			`{"SUB":"ann",` + rest + `}`:                               "",
			`{"Sub":"ann",` + rest + `}`:                               "",
			`{"sub":"ann","sub":"bob",` + rest + `}`:                   "",
			`{"sub":"ann","sub":"ann",` + rest + `}`:                   "",
			`{"sub":"ann","s\u0075b":"bob",` + rest + `}`:              "",
			`{"sub":"ann","x":1,"x":2,` + rest + `}`:                   "",
			`{"sub":"ann","x":{"y":1,"y":2},` + rest + `}`:             "",
			"{\"sub\":\"a\xffn\"," + rest + "}":                        "",
			`{"sub":"\ud800",` + rest + `}`:                            "",
			`{"sub":"a\u0000nn",` + rest + `}`:                         "",
			`{"sub":"a\nnn",` + rest + `}`:                             "",
			`{"sub":"a\u001b[2Jnn",` + rest + `}`:                      "",
			`{"sub":"a\u0085nn",` + rest + `}`:                         "",
			`{"sub":"ann",` + rest + `}]`:                              "",
			`{"sub":"ann",` + rest + `}{}`:                             "",
			`[{"sub":"ann",` + rest + `}]`:                             "",
		} {
			who, err := v.Verify(signText(header, claims), time.Now().Unix())
			switch {
			case user == "" && !errors.Is(err, ErrBadToken):
				t.Errorf("%s %s: %+v, %v", header, claims, who, err)
			case user != "" && (err != nil || string(who.User) != user || who.Roles != RoleBuyer):
				t.Errorf("%s %s: %+v, %v", header, claims, who, err)
			}
		}
	}
	twice := `{"alg":"HS256","typ":"JWT","alg":"HS256"}`
	if who, err := v.Verify(signText(twice, `{"sub":"ann",`+rest+`}`), time.Now().Unix()); !errors.Is(err, ErrBadToken) {
		t.Errorf("a header with a name twice: %+v, %v", who, err)
	}
}

// No token is issued that would be refused.
func TestIssueRefusesControlCharacters(t *testing.T) {
	now := time.Now()
	for _, user := range []string{"a\x00", "a\n", "\x1b[2J", "\u0085"} {
		claims := Claims{User: user, Roles: RoleBuyer, Issuer: "onsale", Audience: "onsale", Issued: now, Expires: now.Add(time.Hour)}
		if token, err := Issue(testSecret(), claims); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%q: %s, %v", user, token, err)
		}
	}
}

// A provider whose tokens are buyers' makes no sellers, whatever they claim, and a change
// to that forgets the tokens that were verified before.
func TestProviderOfBuyersOnly(t *testing.T) {
	s := signers()
	k, _ := openKeys(t, keySetOf(t, s.keys()...), slog.New(slog.DiscardHandler))
	config := k.Verifier().keys.Load().config
	token := signAs(t, jwt.SigningMethodEdDSA, "d", s.ed, theirClaims("roles", []string{"seller", "operator"}))
	roles := func() Roles {
		t.Helper()
		who, err := k.Verifier().Verify(token, time.Now().Unix())
		must(t, err)
		return who.Roles
	}
	if got := roles(); got != RoleSeller|RoleOperator {
		t.Errorf("roles %v", got.Names())
	}
	limited := config.clone()
	limited.Provider.BuyersOnly = true
	must(t, k.Verifier().Configure(limited))
	if got := roles(); got != RoleBuyer {
		t.Errorf("of buyers only: %v", got.Names())
	}
}

// Clocks that differ by a few seconds keep nobody out, and who is too early is told so.
func TestLeeway(t *testing.T) {
	v, err := NewVerifier(testConfig())
	must(t, err)
	for ahead, want := range map[time.Duration]error{3 * time.Second: nil, time.Minute: ErrNotYet} {
		_, err := v.Verify(sign(t, jwt.SigningMethodHS256, testSecret(), with("nbf", time.Now().Add(ahead).Unix())), time.Now().Unix())
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("a token of a clock that is %v ahead: %v", ahead, err)
		}
	}
	early := sign(t, jwt.SigningMethodHS256, testSecret(), with("nbf", time.Now().Add(time.Minute).Unix()))
	_, err = v.Authorize(append([]byte("Bearer "), early...), RoleBuyer, time.Now().Unix(), 0)
	if err == nil || !strings.Contains(err.Error(), "not valid yet") {
		t.Errorf("too early: %v", err)
	}
}
