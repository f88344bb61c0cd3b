package api

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"onsale/sequencer"
)

// Claims is what a token is to say.
type Claims struct {
	User     string
	Roles    Roles // 0 means a buyer's
	Issuer   string
	Audience string
	Issued   time.Time
	Expires  time.Time
}

// IssueToken signs a token with a secret. It returns ErrBadConfig when a verifier
// would refuse the token.
func IssueToken(secret []byte, claims Claims) (string, error) {
	switch {
	case len(secret) < SecretBytesMin:
		return "", fmt.Errorf("%w: the token secret has %d bytes, at least %d are needed", ErrBadConfig, len(secret), SecretBytesMin)
	case !validUser(claims.User):
		return "", fmt.Errorf("%w: the user must have 1 to %d bytes of UTF-8", ErrBadConfig, sequencer.UserBytesMax)
	case claims.Issuer == "" || claims.Audience == "":
		return "", fmt.Errorf("%w: the token's issuer and audience must be set", ErrBadConfig)
	case !claims.Expires.After(claims.Issued):
		return "", fmt.Errorf("%w: the token would expire before it is issued", ErrBadConfig)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, tokenClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: claims.User, Issuer: claims.Issuer, Audience: jwt.ClaimStrings{claims.Audience},
			IssuedAt: jwt.NewNumericDate(claims.Issued), ExpiresAt: jwt.NewNumericDate(claims.Expires),
		},
		Roles: claims.Roles.Names(),
	})
	return token.SignedString(secret)
}
