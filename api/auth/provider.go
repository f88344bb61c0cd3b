package auth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	strictjson "github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// Provider is who else signs tokens that are accepted: the identity provider
// where buyers log in. Its tokens have its own issuer, so that nobody's key
// speaks in another's name; the secrets go on signing those of Config.Issuer.
type Provider struct {
	Issuer   string // what iss must be in its tokens
	Audience string // what their aud must contain
	Keys     []ProviderKey
	// BuyersOnly says that its tokens are buyers', whatever roles they claim: who can make
	// it add a claim must not become a seller here.
	BuyersOnly bool
}

func (p *Provider) validate() error {
	switch {
	case p == nil:
		return nil
	case p.Issuer == "" || p.Audience == "":
		return fmt.Errorf("%w: the issuer and audience of the provider's tokens must be set", ErrBadConfig)
	case len(p.Keys) < 1 || len(p.Keys) > ProviderKeysMax:
		return fmt.Errorf("%w: the provider has %d keys, allowed is 1 to %d", ErrBadConfig, len(p.Keys), ProviderKeysMax)
	}
	return nil
}

// The errors of a token that is signed by nobody whom we know.
var (
	errUnknownKey   = errors.New("no key has this kid")
	errKeyAlgorithm = errors.New("the key of this kid is for another algorithm")
	errCritical     = errors.New("the header has critical parameters that are not known here")
)

// byLibrary returns what a token with any header claims. The signature comes
// first; what the claims must be depends on who signed.
func (s *keySet) byLibrary(token []byte) (*tokenClaims, error) {
	claims := new(tokenClaims)
	if err := checkHeader(token); err != nil {
		return claims, err
	}
	parsed, err := s.parser.ParseWithClaims(string(token), claims, s.keyOf)
	if err != nil {
		return claims, err
	}
	if parsed.Method == jwt.SigningMethodHS256 {
		return claims, s.validator.Validate(claims)
	}
	if s.config.Provider.BuyersOnly {
		claims.Roles = nil
	}
	return claims, s.theirs.Validate(claims)
}

// checkHeader refuses a header that has more than one reading: the library takes the last
// of two equal names. What is no header at all is the library's to say.
func checkHeader(token []byte) error {
	encoded, _, _ := bytes.Cut(token, []byte("."))
	header, err := base64.RawURLEncoding.Strict().AppendDecode(nil, encoded)
	if err != nil {
		return nil
	}
	return strictjson.Unmarshal(header, new(map[string]any))
}

// keyOf returns what must have signed a token: a secret for HS256 and nothing
// else, a provider's key for the one algorithm that is the key's. So a public
// key is never taken for a secret, whatever a token's header says.
func (s *keySet) keyOf(token *jwt.Token) (any, error) {
	if _, critical := token.Header["crit"]; critical {
		return nil, errCritical
	}
	id, _ := token.Header["kid"].(string)
	if token.Method == jwt.SigningMethodHS256 {
		return s.secretsOf(id), nil
	}
	err := errUnknownKey
	for i := range s.config.Provider.Keys {
		key := &s.config.Provider.Keys[i]
		switch {
		case key.ID != id:
		case key.Algorithm != token.Method.Alg():
			err = errKeyAlgorithm // another one may have the same kid
		default:
			return key.Key, nil
		}
	}
	return nil, err
}

// secretsOf returns the secret with an id, or all of them: who signs with ours elsewhere may call
// it by a name of his own.
func (s *keySet) secretsOf(id string) jwt.VerificationKeySet {
	for i, signer := range s.signers {
		if signer.id == id {
			return jwt.VerificationKeySet{Keys: s.keys.Keys[i : i+1]}
		}
	}
	return s.keys
}

func (p *Provider) covers(old *Provider) bool {
	if p == nil || old == nil {
		return old == nil
	}
	if p.BuyersOnly && !old.BuyersOnly {
		return false
	}
	for i := range old.Keys {
		if !slices.ContainsFunc(p.Keys, func(k ProviderKey) bool { return k.same(&old.Keys[i]) }) {
			return false
		}
	}
	return p.Issuer == old.Issuer && p.Audience == old.Audience
}
