package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"onsale/internal/watched"
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

// ParseKeys reads a JSON Web Key Set (RFC 7517). Keys that nobody can use, weak, malformed, of
// algorithms that are not known here, without an id or with another's, are left out, as its
// section 5 says, and leftOut tells why each was; keys for other uses than signatures are left out
// silently. It returns ErrBadConfig when none is left, and for keys that must not be there: who
// put a private or shared one into a file for public ones has to hear of it.
func ParseKeys(data []byte) (keys []ProviderKey, leftOut []string, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, nil, fmt.Errorf("%w: not a JSON Web Key Set: %w", ErrBadConfig, err)
	}
	if len(set.Keys) > ProviderKeysMax {
		return nil, nil, fmt.Errorf("%w: %d keys, at most %d are allowed", ErrBadConfig, len(set.Keys), ProviderKeysMax)
	}
	for i, raw := range set.Keys {
		if err := refuseSecret(raw); err != nil {
			return nil, nil, fmt.Errorf("%w: key %d: %w", ErrBadConfig, i+1, err)
		}
		key, err := parseKey(raw)
		if err == nil && slices.ContainsFunc(keys, func(k ProviderKey) bool { return k.ID == key.ID && k.Algorithm == key.Algorithm }) {
			err = fmt.Errorf("another key has the kid %q", key.ID)
		}
		switch {
		case err == nil:
			keys = append(keys, key)
		case !errors.Is(err, errOtherUse):
			leftOut = append(leftOut, fmt.Sprintf("key %d: %v", i+1, err))
		}
	}
	if len(keys) == 0 {
		return nil, nil, fmt.Errorf("%w: no key for RS256, ES256 or EdDSA among %d%s", ErrBadConfig, len(set.Keys), because(leftOut))
	}
	return keys, leftOut, nil
}

func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return ": " + strings.Join(reasons, "; ")
}

// ReadKeys reads a file with a JSON Web Key Set.
func ReadKeys(path string) (keys []ProviderKey, leftOut []string, err error) {
	data, err := watched.Read(path)
	if err != nil {
		return nil, nil, fmt.Errorf("token keys: %w", err)
	}
	if keys, leftOut, err = ParseKeys(data); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return keys, leftOut, err
}

// secretMembers are those of a key that only its owner may know (RFC 7518, sections 6.2.2, 6.3.2
// and 6.4.1).
var secretMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// refuseSecret returns an error for a key that is no public one, whether it could be used or not.
func refuseSecret(raw []byte) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil // it is no key at all
	}
	if string(members["kty"]) == `"oct"` {
		return errors.New("it is a shared secret; this file is for public keys")
	}
	for _, name := range secretMembers {
		if _, is := members[name]; is {
			return errors.New("it is a private key; this file is for public keys")
		}
	}
	return nil
}

// errOtherUse is returned for a key that is none of our business.
var errOtherUse = errors.New("it is not for signatures")

// keyTraits is what a key says of itself.
type keyTraits struct {
	Type       string   `json:"kty"`
	Curve      string   `json:"crv"`
	Algorithm  string   `json:"alg"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
}

// otherUse reports whether a key is said not to verify signatures.
func (t *keyTraits) otherUse() bool {
	return t.Use != "" && t.Use != "sig" || len(t.Operations) > 0 && !slices.Contains(t.Operations, "verify")
}

// algorithm returns with which algorithm a key verifies; "" for none of ours.
func (t *keyTraits) algorithm() string {
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

// parseKey reads one key, or says why it cannot be used: errOtherUse for one that is not meant to.
func parseKey(raw []byte) (key ProviderKey, err error) {
	var traits keyTraits
	if err := json.Unmarshal(raw, &traits); err != nil {
		return key, err
	}
	if traits.otherUse() {
		return key, errOtherUse
	}
	if key.Algorithm = traits.algorithm(); key.Algorithm == "" {
		return key, fmt.Errorf("it is for none of RS256, ES256 and EdDSA (kty %q, crv %q, alg %q)", traits.Type, traits.Curve, traits.Algorithm)
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(raw); err != nil {
		return key, err
	}
	if key.ID, key.Key = parsed.KeyID, parsed.Key; key.ID == "" {
		return key, errors.New("it has no kid")
	}
	return key, checkKey(parsed.Key)
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
