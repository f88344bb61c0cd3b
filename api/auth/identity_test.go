package auth

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"onsale/internal/pseudonym"
)

// A token's user has a name under each key, and what is revoked or written of a seller goes by the
// user's own; a user who looks like a pseudonym is none.
func TestIdentityNames(t *testing.T) {
	keys, err := pseudonym.Parse(append(append(secretOf("k"), '\n'), secretOf("l")...))
	must(t, err)
	config := testConfig()
	config.Pseudonyms = keys
	v, err := NewVerifier(config)
	must(t, err)
	now := time.Now()
	verified := func(change ...any) (*Identity, error) {
		claims := goodClaims()
		for i := 0; i < len(change); i += 2 {
			claims[change[i].(string)] = change[i+1]
		}
		return v.Verify(sign(t, jwt.SigningMethodHS256, testSecret(), claims), now.Unix())
	}
	ann, err := verified()
	must(t, err)
	names := ann.Names()
	if len(names) != 3 || string(names[0]) != "ann" || !bytes.Equal(names[0], ann.NameIn(0)) || bytes.Equal(names[1], names[2]) {
		t.Errorf("%q", names)
	}
	for i, id := range keys.IDs() {
		if !bytes.Equal(ann.NameIn(id), names[i+1]) || !bytes.Equal(names[i+1], keys.Of(id, []byte("ann"))) {
			t.Errorf("under %v: %q", id, ann.NameIn(id))
		}
	}
	if ann.NameIn(keys.Newest()+1) != nil || !bytes.Equal(ann.Actor(), names[1]) {
		t.Errorf("under no key %q, as an actor %q", ann.NameIn(keys.Newest()+1), ann.Actor())
	}
	if seller, err := verified("roles", []string{"buyer", "seller"}); err != nil || string(seller.Actor()) != "ann" {
		t.Errorf("a seller is %+v, %v", seller, err)
	}
	for _, name := range []string{"ann", string(names[1]), string(names[2])} {
		if !ann.Is(name) || ann.Is(name+"x") {
			t.Errorf("%q is not ann, or %qx is", name, name)
		}
	}
	if _, err := verified("sub", string(names[1])); !errors.Is(err, ErrBadToken) {
		t.Errorf("a pseudonym for a user: %v", err)
	}
	r, err := ParseRevocations([]byte("user ann before " + now.Add(time.Minute).Format(time.RFC3339)))
	must(t, err)
	v.Revoke(r)
	if _, err := verified(); !errors.Is(err, ErrRevoked) {
		t.Errorf("revoked by her own name: %v", err)
	}
	config.Pseudonyms = nil
	v.Revoke(&Revocations{})
	must(t, v.Configure(config))
	if plain, err := verified(); err != nil || !slices.EqualFunc(plain.Names(), [][]byte{[]byte("ann")}, bytes.Equal) || string(plain.Actor()) != "ann" {
		t.Errorf("without keys %+v, %v", plain, err)
	}
}

// Who was verified by a secret that is gone stands no more, and who waits is told; by another one, or
// when one is added, it does.
func TestRemovedSecret(t *testing.T) {
	config := testConfig()
	config.Secrets = [][]byte{secretOf("c"), testSecret()}
	v, err := NewVerifier(config)
	must(t, err)
	now := time.Now()
	verified := func(secret []byte) *Identity {
		who, err := v.Verify(sign(t, jwt.SigningMethodHS256, secret, goodClaims()), now.Unix())
		must(t, err)
		return who
	}
	old, kept := verified(testSecret()), verified(secretOf("c"))
	configure := func(step string, told bool, secrets ...[]byte) {
		t.Helper()
		more := v.RevokesMore()
		config.Secrets = secrets
		must(t, v.Configure(config))
		select {
		case <-more:
			if !told {
				t.Errorf("%s: somebody is told", step)
			}
		default:
			if told {
				t.Errorf("%s: nobody is told", step)
			}
		}
	}
	stands := func(step string, wantOld bool) {
		t.Helper()
		if v.Revoked(old) == wantOld || v.Revoked(kept) {
			t.Errorf("%s: the one stands %t, the other %t", step, !v.Revoked(old), !v.Revoked(kept))
		}
	}
	configure("one more", false, secretOf("d"), secretOf("c"), testSecret())
	stands("one more", true)
	configure("one less", true, secretOf("d"), secretOf("c"))
	stands("one less", false)
	again := verified(secretOf("c"))
	stands("when the other came again", false)
	configure("it is back", false, secretOf("d"), secretOf("c"), testSecret())
	stands("it is back", true)
	if v.Revoked(again) {
		t.Error("who came again does not stand")
	}
}
