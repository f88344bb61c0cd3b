package auth

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	strictjson "github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// tokenClaims are the claims of our tokens, read more cheaply than the library's.
type tokenClaims struct {
	Subject   string   `json:"sub"`
	Issuer    string   `json:"iss"`
	Audience  audience `json:"aud"`
	Issued    *seconds `json:"iat,omitempty"`
	NotBefore *seconds `json:"nbf,omitempty"`
	Expires   *seconds `json:"exp,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	TokenID   string   `json:"jti,omitempty"`
	// Sales is read of tokens that are not a buyer's alone: to them it may mean anything.
	Sales json.RawMessage `json:"sales,omitempty"`
}

// UnmarshalJSON reads claims in the one way that RFC 7519 leaves, section 4: their names are
// case-sensitive, and each comes once. A token that two programs read differently could be
// one user's to whom it was given and another's here.
func (c *tokenClaims) UnmarshalJSON(data []byte) error {
	type plain tokenClaims // without this method
	return strictjson.Unmarshal(data, (*plain)(c))
}

// seconds is a time in seconds since the Unix epoch, fractions allowed.
type seconds float64

func (s *seconds) date() (*jwt.NumericDate, error) {
	switch {
	case s == nil:
		return nil, nil
	case *s < 0 || *s > 1<<38 || math.IsNaN(float64(*s)):
		return nil, fmt.Errorf("%w: a time is out of range", ErrBadToken)
	}
	return jwt.NewNumericDate(time.Unix(int64(*s), 0)), nil
}

// audience is one text or several.
type audience []string

// UnmarshalJSON takes both spellings.
func (a *audience) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*a = make(audience, 1)
		return json.Unmarshal(data, &(*a)[0])
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// The library's validator asks for the claims one by one.

// GetExpirationTime returns exp.
func (c *tokenClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires.date() }

// GetIssuedAt returns iat.
func (c *tokenClaims) GetIssuedAt() (*jwt.NumericDate, error) { return c.Issued.date() }

// GetNotBefore returns nbf.
func (c *tokenClaims) GetNotBefore() (*jwt.NumericDate, error) { return c.NotBefore.date() }

// issued returns iat in Unix seconds; neverIssued without one.
func (c *tokenClaims) issued() (int64, error) {
	date, err := c.Issued.date()
	if err != nil || date == nil {
		return neverIssued, err
	}
	return date.Unix(), nil
}

// GetIssuer returns iss.
func (c *tokenClaims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject returns sub.
func (c *tokenClaims) GetSubject() (string, error) { return c.Subject, nil }

// GetAudience returns aud.
func (c *tokenClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings(c.Audience), nil
}
