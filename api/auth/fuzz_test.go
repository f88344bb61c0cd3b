package auth

import (
	"encoding/base64"
	"reflect"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzToken holds our way of reading a token to the library's, for claims that
// somebody signed and for bytes that nobody did.
func FuzzToken(f *testing.F) {
	verifier, err := NewVerifier(testConfig())
	must(f, err)
	set := verifier.keys.Load()
	for _, claims := range []string{
		`{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999}`, `{"sub":"ann","iss":"onsale","aud":["x","onsale"],"exp":9999999999.5,"roles":["seller"]}`,
		`{"sub":"","iss":"onsale","aud":"onsale","exp":1}`, `{"aud":null,"exp":null}`, `{"exp":"1"}`, `{`, `null`, `{"exp":-1,"nbf":1e300}`,
		`{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999,"roles":["seller"],"sales":["arena*"]}`,
		// Nearly as plain as what is read in one pass, or only just.
		`}`, `{}`, `{"sub":"ann","iss":"onsale","aud":["onsale"],"iat":0,"nbf":1,"exp":99999999999,"roles":["buyer","seller"]}`,
		`{"sub":"ann","sub":"bob","iss":"onsale","aud":"onsale","exp":99999999999}`, `{"Sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999}`,
		`{"sub":"a\u0062","iss":"onsale","aud":"onsale","exp":99999999999}`, `{"sub":"ann","iss":"onsale","aud":"onsale","exp":099999999999}`,
		`{"sub":"ann","iss":"onsale","aud":"onsale","exp":9999999999999999}`, `{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999,}`,
		`{"sub":"ann","iss":"onsale","aud":[],"exp":99999999999}`, `{"sub":"ann","iss":"onsale","aud":["onsale",],"exp":99999999999}`,
		`{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999,"jti":"t-1"}`, `{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999,"jti":7}`,
		`{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999,"jti":""}`, `{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999,"jti":"a","jti":"b"}`,
		`{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999}}`, `{"sub":"ann","iss":"onsale","aud":"onsale","exp":99999999999,"roles":"seller"}`,
	} {
		f.Add([]byte(claims), []byte{})
	}
	f.Add([]byte(`{}`), []byte("a.b.c"))
	f.Add([]byte(`{}`), []byte("eyJhbGciOiJub25lIn0.e30."))
	f.Add([]byte(`{}`), []byte(usualHeader+"e30.\n"))
	f.Fuzz(func(t *testing.T, claims, unsigned []byte) {
		if who, err := verifier.Verify(unsigned, 1); err == nil {
			t.Errorf("%q passes for %s", unsigned, who.User)
		}
		for _, header := range []string{usualHeader, set.signers[0].header} {
			signing := header + base64.RawURLEncoding.EncodeToString(claims)
			signature, err := jwt.SigningMethodHS256.Sign(signing, testSecret())
			must(t, err)
			token := []byte(signing + "." + base64.RawURLEncoding.EncodeToString(signature))
			length, signers := set.usual(token)
			if length != len(header) {
				t.Fatalf("header %s has the length %d", header, length)
			}
			ours, ourErr := set.verifyUsual(token, length, signers)
			theirs, theirErr := set.byLibrary(token)
			if (ourErr == nil) != (theirErr == nil) {
				t.Fatalf("%s: we say %v, the library %v", claims, ourErr, theirErr)
			}
			if ourErr == nil && !reflect.DeepEqual(ours, theirs) {
				t.Errorf("%s: we read %+v, the library %+v", claims, ours, theirs)
			}
			_, _ = verifier.Verify(token, 1) // whatever it is, no panic
		}
	})
}
