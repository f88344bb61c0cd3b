package auth

import (
	"testing"
)

// The claims that we issue ourselves, and what differs from them only in how many and
// which claims there are, are read in one pass; what encoding/json reads differently
// from the plain reader is left to it.
func TestPlainClaims(t *testing.T) {
	verifier, err := NewVerifier(testConfig())
	must(t, err)
	set := verifier.keys.Load()
	for claims, plain := range map[string]bool{
		`{"sub":"ann","iss":"onsale","aud":["onsale"],"iat":1,"exp":2}`:                 true,
		`{"sub":"ann","iss":"onsale","aud":"onsale","nbf":0,"exp":2,"roles":["a","b"]}`: true,
		`}`: false, `{}`: false, ``: false,
		`{"sub":"ann"`: false, `{"sub":"ann",}`: false, `{"sub":"ann"} `: false, `{ "sub":"ann"}`: false,
		`{"sub":"a\nb"}`: false, `{"sub":"ä"}`: false, `{"sub":""}`: false, `{"SUB":"ann"}`: false,
		`{"sub":"ann","sub":"bob"}`: false, `{"exp":1.5}`: false, `{"exp":01}`: false, `{"exp":1e3}`: false,
		`{"exp":-1}`: false, `{"exp":1234567890123456}`: false, `{"aud":[]}`: false, `{"roles":"seller"}`: false,
	} {
		if _, got := set.plainClaims([]byte(claims)); got != plain {
			t.Errorf("%s: read in one pass %v, want %v", claims, got, plain)
		}
	}
}
