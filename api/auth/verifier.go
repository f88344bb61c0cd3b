package auth

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"onsale/internal/metric"
	"onsale/internal/pseudonym"
	"onsale/sequencer"
)

// Verifier verifies tokens and remembers those that it verified.
type Verifier struct {
	keys     atomic.Pointer[keySet]
	hits     metric.Striped
	misses   atomic.Uint64
	refusals atomic.Uint64

	revoking  atomic.Pointer[revoking]
	takenBack atomic.Uint64 // tokens that were shown after they were revoked
	leftOut   atomic.Int64  // keys of a provider that cannot be used
}

// keySet is one configuration with the tokens that were verified under it, so
// that a change that takes a key or a secret away forgets them all at once.
type keySet struct {
	config Config
	cache  *cache // the same one for as long as what was verified stays so

	signers   []*signer      // for tokens with the usual header
	validator *jwt.Validator // of claims that a secret signed
	theirs    *jwt.Validator // of claims that a provider signed
	parser    *jwt.Parser    // for tokens with other headers
	keys      jwt.VerificationKeySet
}

// NewVerifier returns a verifier, or ErrBadConfig.
func NewVerifier(config Config) (*Verifier, error) {
	v := newVerifier()
	return v, v.Configure(config)
}

// newVerifier returns one without a configuration, which nobody revoked a token of.
func newVerifier() *Verifier {
	v := &Verifier{}
	v.revoking.Store(&revoking{&Revocations{}, make(chan struct{})})
	return v
}

// Configure replaces the configuration, for example when secrets are rotated.
// Tokens that only the old one accepted are refused from now on. Calls must come
// one after the other.
func (v *Verifier) Configure(config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	config = config.clone()
	set := &keySet{config: config, cache: newCache(config.CacheEntries)}
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
	before := v.keys.Swap(set)
	if before != nil && before.cache != set.cache {
		v.askAgain()
	}
	return nil
}

// Pseudonyms returns the keys under which buyers are known; nil for none.
func (v *Verifier) Pseudonyms() *pseudonym.Keys { return v.keys.Load().config.Pseudonyms }

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
		v.hits.Add(hint)
		return v.unlessRevoked(identity)
	}
	v.misses.Add(1)
	identity, err := set.verify(token)
	if err != nil {
		v.refusals.Add(1)
		return nil, err
	}
	identity.token, identity.under = bytes.Clone(token), set.cache
	set.cache.add(hash, identity, now)
	return v.unlessRevoked(identity)
}

func (v *Verifier) unlessRevoked(who *Identity) (*Identity, error) {
	if v.revoking.Load().has(who) {
		v.takenBack.Add(1)
		return nil, ErrRevoked
	}
	return who, nil
}

func (s *keySet) verify(token []byte) (*Identity, error) {
	claims, err := s.claimsOf(token)
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, ErrExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return nil, ErrNotYet
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	if !validUser(claims.Subject) {
		return nil, fmt.Errorf("%w: sub must be 1 to %d bytes of UTF-8 without control characters, and no pseudonym", ErrBadToken, sequencer.UserBytesMax)
	}
	roles := RoleBuyer
	if claims.Roles != nil {
		if roles, err = ParseRoles(claims.Roles); err != nil {
			return nil, err
		}
	}
	issued, err := claims.issued()
	if err != nil {
		return nil, err
	}
	var sales Scope
	if claims.Sales != nil && roles != RoleBuyer {
		if sales, err = parseScope(claims.Sales); err != nil {
			return nil, err
		}
	}
	expires := int64(*claims.Expires) + int64(s.config.Leeway/time.Second)
	return &Identity{User: []byte(claims.Subject), Roles: roles, Sales: sales, Expires: expires, Issued: issued, TokenID: claims.TokenID,
		pseudonyms: pseudonymsOf(s.config.Pseudonyms, claims.Subject)}, nil
}

// claimsOf returns what a token claims, when it is signed by us and in force.
func (s *keySet) claimsOf(token []byte) (*tokenClaims, error) {
	if header, signers := s.usual(token); header > 0 {
		return s.verifyUsual(token, header, signers)
	}
	return s.byLibrary(token)
}

// validUser reports whether a text names a user: nobody's name moves a terminal's cursor or
// ends a line of a log, or is that under which somebody else is known.
func validUser(user string) bool {
	return sequencer.PseudonymKeyOf([]byte(user)) == 0 && len(user) >= 1 && len(user) <= sequencer.UserBytesMax && utf8.ValidString(user) && !strings.ContainsFunc(user, unicode.IsControl)
}
