package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// ProviderKey is a public key with which somebody else signs tokens.
type ProviderKey struct {
	ID string // kid
	// Algorithm is the only one that tokens of this key may name: a token
	// cannot choose how its signature is to be read.
	Algorithm string // RS256, ES256 or EdDSA
	Key       crypto.PublicKey
}

// The bounds of a key set.
const (
	ProviderKeysMax = 64
	rsaBitsMin      = 2048 // RFC 7518, section 3.3
	rsaBitsMax      = 8192 // a longer one makes each verification cost milliseconds
)

// ParseKeys reads a JSON Web Key Set (RFC 7517). Keys for other uses and other
// algorithms are left out; it returns ErrBadConfig when none is left, and for
// keys that must not be there: secret ones, weak ones, and ones without an id
// or with another's.
func ParseKeys(data []byte) ([]ProviderKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("%w: not a JSON Web Key Set: %w", ErrBadConfig, err)
	}
	if len(set.Keys) > ProviderKeysMax {
		return nil, fmt.Errorf("%w: %d keys, at most %d are allowed", ErrBadConfig, len(set.Keys), ProviderKeysMax)
	}
	var keys []ProviderKey
	for i, raw := range set.Keys {
		key, usable, err := parseKey(raw)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%w: key %d: %w", ErrBadConfig, i+1, err)
		case !usable:
		case slices.ContainsFunc(keys, func(k ProviderKey) bool { return k.ID == key.ID }):
			return nil, fmt.Errorf("%w: two keys have the kid %q", ErrBadConfig, key.ID)
		default:
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no key for RS256, ES256 or EdDSA among %d", ErrBadConfig, len(set.Keys))
	}
	return keys, nil
}

// keyTraits is what a key says of itself.
type keyTraits struct {
	Type       string   `json:"kty"`
	Curve      string   `json:"crv"`
	Algorithm  string   `json:"alg"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
}

// algorithm returns with which algorithm a key verifies; "" for none of ours.
func (t *keyTraits) algorithm() string {
	if t.Use != "" && t.Use != "sig" || len(t.Operations) > 0 && !slices.Contains(t.Operations, "verify") {
		return ""
	}
	algorithm := map[string]string{
		"RSA": jwt.SigningMethodRS256.Alg(), "EC P-256": jwt.SigningMethodES256.Alg(), "OKP Ed25519": jwt.SigningMethodEdDSA.Alg(),
	}[t.kind()]
	if t.Algorithm != "" && t.Algorithm != algorithm {
		return ""
	}
	return algorithm
}

func (t *keyTraits) kind() string {
	if t.Type == "RSA" {
		return t.Type
	}
	return t.Type + " " + t.Curve
}

// parseKey reads one key; not usable is one that is none of our business.
func parseKey(raw []byte) (key ProviderKey, usable bool, err error) {
	var traits keyTraits
	if err := json.Unmarshal(raw, &traits); err != nil {
		return key, false, err
	}
	if traits.Type == "oct" {
		return key, false, fmt.Errorf("it is a shared secret; this file is for public keys")
	}
	if key.Algorithm = traits.algorithm(); key.Algorithm == "" {
		return key, false, nil
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(raw); err != nil {
		return key, false, err
	}
	if !parsed.IsPublic() {
		return key, false, fmt.Errorf("it is a private key; this file is for public keys")
	}
	if key.ID, key.Key = parsed.KeyID, parsed.Key; key.ID == "" {
		return key, false, fmt.Errorf("it has no kid")
	}
	return key, true, checkKey(parsed.Key)
}

// checkKey refuses keys that anybody could break, or that would not verify.
func checkKey(key any) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < rsaBitsMin || bits > rsaBitsMax {
			return fmt.Errorf("an RSA key of %d bits, allowed are %d to %d", bits, rsaBitsMin, rsaBitsMax)
		}
		if key.E < 3 || key.E&1 == 0 {
			return fmt.Errorf("an RSA key with the exponent %d", key.E)
		}
	case *ecdsa.PublicKey: // it is on its curve, or it would not have been read
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("an Ed25519 key of %d bytes, it must have %d", len(key), ed25519.PublicKeySize)
		}
	default:
		return fmt.Errorf("a key of type %T", key)
	}
	return nil
}

// same reports whether two keys verify the same tokens.
func (k *ProviderKey) same(other *ProviderKey) bool {
	comparable, ok := k.Key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID == other.ID && k.Algorithm == other.Algorithm && comparable.Equal(other.Key)
}
