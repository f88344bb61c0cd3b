package auth

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"onsale/internal/pseudonym"
)

// ErrBadConfig is returned when a configuration, a key or a claim breaks a bound; the
// message says which, what it is, and what is allowed.
var ErrBadConfig = errors.New("bad configuration")

// ErrBadToken is returned when a token is not valid: not signed with a secret
// of ours or a provider's key, not for us, over its time, or without a proper subject.
var ErrBadToken = errors.New("bad token")

// ErrExpired is returned when a token was valid once. It is an ErrBadToken.
var ErrExpired = fmt.Errorf("%w: expired", ErrBadToken)

// ErrNotYet is returned when a token is not valid yet: its nbf lies ahead of this clock by
// more than the leeway. It is an ErrBadToken.
var ErrNotYet = fmt.Errorf("%w: not valid yet", ErrBadToken)

// ErrRevoked is returned when a token is valid and was taken back. It is an ErrBadToken.
var ErrRevoked = fmt.Errorf("%w: revoked", ErrBadToken)

// SecretBytesMin is the least length of a secret: shorter than the hash, it is
// the weakest part of the signature (RFC 7518, section 3.2).
const SecretBytesMin = 32

// Config says which tokens are accepted.
type Config struct {
	// Secrets sign HS256 tokens, the newest first; several while they are rotated, at most
	// SecretsMax. None when all tokens are a provider's.
	Secrets [][]byte
	// Issuer is what iss must be in tokens that a secret signs.
	Issuer string
	// Audience is what their aud must contain.
	Audience string
	// Provider signs other tokens; nil for none.
	Provider *Provider
	// Pseudonyms are the keys under which buyers are known in what is written; nil for none.
	Pseudonyms *pseudonym.Keys
	// Leeway is by how much clocks may differ: a token is accepted so long after its exp,
	// and before its nbf. 0 is strict.
	Leeway time.Duration
	// CacheEntries bounds how many verified tokens are remembered. A full one
	// costs about 600 bytes each; a token that is not remembered costs some
	// microseconds of verification.
	CacheEntries int
	// Clock says what time it is; for tests.
	Clock func() time.Time
}

// DefaultConfig returns a configuration that lacks only the secrets.
func DefaultConfig() Config {
	return Config{Issuer: "onsale", Audience: "onsale", Leeway: 5 * time.Second, CacheEntries: 128 << 10, Clock: time.Now}
}

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *Config) Validate() error {
	if len(c.Secrets) < 1 && c.Provider == nil || len(c.Secrets) > SecretsMax {
		return fmt.Errorf("%w: %d token secrets, allowed are 1 to %d", ErrBadConfig, len(c.Secrets), SecretsMax)
	}
	for i, secret := range c.Secrets {
		if len(secret) < SecretBytesMin {
			return fmt.Errorf("%w: token secret %d has %d bytes, at least %d are needed", ErrBadConfig, i+1, len(secret), SecretBytesMin)
		}
	}
	switch {
	case c.Issuer == "" || c.Audience == "":
		return fmt.Errorf("%w: the token's issuer and audience must be set", ErrBadConfig)
	case c.Leeway < 0 || c.Leeway > time.Hour:
		return fmt.Errorf("%w: Leeway is %v, allowed is 0 to 1h", ErrBadConfig, c.Leeway)
	case c.CacheEntries < 0 || c.CacheEntries > 1<<24:
		return fmt.Errorf("%w: CacheEntries is %d, allowed is 0 to %d", ErrBadConfig, c.CacheEntries, 1<<24)
	case c.Clock == nil:
		return fmt.Errorf("%w: Clock must be set", ErrBadConfig)
	}
	return c.Provider.validate()
}

// clone returns a copy that the caller cannot change any more.
func (c *Config) clone() Config {
	own := *c
	own.Secrets = nil
	for _, secret := range c.Secrets {
		own.Secrets = append(own.Secrets, bytes.Clone(secret))
	}
	if c.Provider != nil {
		provider := *c.Provider
		provider.Keys = slices.Clone(provider.Keys)
		own.Provider = &provider
	}
	return own
}

// judge returns what judges claims from an issuer for an audience.
func (c *Config) judge(issuer, audience string) *jwt.Validator {
	return jwt.NewValidator(jwt.WithExpirationRequired(), jwt.WithAudience(audience), jwt.WithIssuer(issuer),
		jwt.WithLeeway(c.Leeway), jwt.WithTimeFunc(c.Clock))
}

// methods returns the algorithms that some key verifies.
func (c *Config) methods() []string {
	var methods []string
	if len(c.Secrets) > 0 {
		methods = append(methods, jwt.SigningMethodHS256.Alg())
	}
	if c.Provider != nil {
		for _, key := range c.Provider.Keys {
			methods = append(methods, key.Algorithm)
		}
	}
	return methods
}

// covers reports whether every token that an older configuration accepted is
// accepted by this one, so that those which were verified may stay remembered:
// a provider that adds a key in the middle of a sale must not make a hundred
// thousand buyers' tokens be verified anew. When a key or a secret is gone all
// are forgotten, and those of the others cost one verification more.
func (c *Config) covers(old *Config) bool {
	if c.Issuer != old.Issuer || c.Audience != old.Audience || c.Leeway != old.Leeway || c.CacheEntries != old.CacheEntries || c.Pseudonyms != old.Pseudonyms {
		return false
	}
	for _, secret := range old.Secrets {
		if !slices.ContainsFunc(c.Secrets, func(s []byte) bool { return bytes.Equal(s, secret) }) {
			return false
		}
	}
	return c.Provider.covers(old.Provider)
}
