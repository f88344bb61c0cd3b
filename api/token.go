package api

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"onsale/sequencer"
)

// ErrBadToken is returned when a token is not valid: not signed with a secret
// of ours or a provider's key, not for us, over its time, or without a proper subject.
var ErrBadToken = errors.New("bad token")

// ErrTokenExpired is returned when a token was valid once. It is an ErrBadToken.
var ErrTokenExpired = fmt.Errorf("%w: expired", ErrBadToken)

// SecretBytesMin is the least length of a secret: shorter than the hash, it is
// the weakest part of the signature (RFC 7518, section 3.2).
const SecretBytesMin = 32

// TokenConfig says which tokens are accepted.
type TokenConfig struct {
	// Secrets sign HS256 tokens. Two while they are rotated: the first is the
	// new one. None when all tokens are a provider's.
	Secrets [][]byte
	// Issuer is what iss must be in tokens that a secret signs.
	Issuer string
	// Audience is what their aud must contain.
	Audience string
	// Provider signs other tokens; nil for none.
	Provider *Provider
	// Leeway is by how much clocks may differ: a token is accepted so long
	// after its exp. 0 is strict.
	Leeway time.Duration
	// CacheEntries bounds how many verified tokens are remembered. A full one
	// costs about 600 bytes each; a token that is not remembered costs some
	// microseconds of verification.
	CacheEntries int
	// Clock says what time it is; for tests.
	Clock func() time.Time
}

// DefaultTokenConfig returns a configuration that lacks only the secrets.
func DefaultTokenConfig() TokenConfig {
	return TokenConfig{Issuer: "onsale", Audience: "onsale", CacheEntries: 128 << 10, Clock: time.Now}
}

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *TokenConfig) Validate() error {
	if len(c.Secrets) < 1 && c.Provider == nil || len(c.Secrets) > 2 {
		return fmt.Errorf("%w: %d token secrets, allowed are one, or two while they are rotated", ErrBadConfig, len(c.Secrets))
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

// Identity is who a token speaks for. It never changes.
type Identity struct {
	User    []byte // the sub claim
	Roles   Roles
	Expires int64 // Unix seconds, the leeway included
}

// Verifier verifies tokens and remembers those that it verified.
type Verifier struct {
	keys     atomic.Pointer[keySet]
	hits     stripedCounter
	misses   atomic.Uint64
	refusals atomic.Uint64
	stale    atomic.Bool // the file of a provider's keys does not load as it is
}

// keySet is one configuration with the tokens that were verified under it, so
// that a change that takes a key or a secret away forgets them all at once.
type keySet struct {
	config TokenConfig
	cache  *tokenCache

	signers   []*signer      // for tokens with the usual header
	validator *jwt.Validator // of claims that a secret signed
	theirs    *jwt.Validator // of claims that a provider signed
	parser    *jwt.Parser    // for tokens with other headers
	keys      jwt.VerificationKeySet
}

// NewVerifier returns a verifier, or ErrBadConfig.
func NewVerifier(config TokenConfig) (*Verifier, error) {
	v := &Verifier{}
	return v, v.Configure(config)
}

// Configure replaces the configuration, for example when secrets are rotated.
// Tokens that only the old one accepted are refused from now on. Calls must come
// one after the other.
func (v *Verifier) Configure(config TokenConfig) error {
	if err := config.Validate(); err != nil {
		return err
	}
	config = config.clone()
	set := &keySet{config: config, cache: newTokenCache(config.CacheEntries)}
	for _, secret := range config.Secrets {
		set.keys.Keys = append(set.keys.Keys, secret)
		set.signers = append(set.signers, newSigner(secret))
	}
	set.parser = jwt.NewParser(jwt.WithValidMethods(config.methods()), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	set.validator = config.judge(config.Issuer, config.Audience)
	if config.Provider != nil {
		set.theirs = config.judge(config.Provider.Issuer, config.Provider.Audience)
	}
	if old := v.keys.Load(); old != nil && config.covers(&old.config) {
		set.cache = old.cache
	}
	v.keys.Store(set)
	return nil
}

// clone returns a copy that the caller cannot change any more.
func (c *TokenConfig) clone() TokenConfig {
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
func (c *TokenConfig) judge(issuer, audience string) *jwt.Validator {
	return jwt.NewValidator(jwt.WithExpirationRequired(), jwt.WithAudience(audience), jwt.WithIssuer(issuer),
		jwt.WithLeeway(c.Leeway), jwt.WithTimeFunc(c.Clock))
}

// providerKeys returns how many keys of a provider are in force.
func (v *Verifier) providerKeys() int {
	if provider := v.keys.Load().config.Provider; provider != nil {
		return len(provider.Keys)
	}
	return 0
}

// Verify returns whom a token speaks for at now (Unix seconds), or ErrBadToken.
// A token that was verified before costs a hash and a comparison of its bytes.
func (v *Verifier) Verify(token []byte, now int64) (*Identity, error) {
	return v.verify(token, now, 0)
}

func (v *Verifier) verify(token []byte, now int64, hint uint64) (*Identity, error) {
	set := v.keys.Load()
	hash := set.cache.hash(token)
	if identity := set.cache.find(hash, token, now); identity != nil {
		v.hits.add(hint)
		return identity, nil
	}
	v.misses.Add(1)
	identity, err := set.verify(token)
	if err != nil {
		v.refusals.Add(1)
		return nil, err
	}
	set.cache.add(hash, token, identity, now)
	return identity, nil
}

func (s *keySet) verify(token []byte) (*Identity, error) {
	claims, err := s.claimsOf(token)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, ErrTokenExpired
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	if !validUser(claims.Subject) {
		return nil, fmt.Errorf("%w: sub must be 1 to %d bytes of UTF-8", ErrBadToken, sequencer.UserBytesMax)
	}
	roles := RoleBuyer
	if claims.Roles != nil {
		if roles, err = ParseRoles(claims.Roles); err != nil {
			return nil, err
		}
	}
	expires := int64(*claims.Expires) + int64(s.config.Leeway/time.Second)
	return &Identity{User: []byte(claims.Subject), Roles: roles, Expires: expires}, nil
}

// claimsOf returns what a token claims, when it is signed by us and in force.
func (s *keySet) claimsOf(token []byte) (*tokenClaims, error) {
	if bytes.HasPrefix(token, []byte(usualHeader)) {
		return s.verifyUsual(token)
	}
	return s.byLibrary(token)
}

func validUser(user string) bool {
	return len(user) >= 1 && len(user) <= sequencer.UserBytesMax && utf8.ValidString(user)
}
