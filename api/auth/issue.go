package auth

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"onsale/sequencer"
)

// Claims is what a token is to say.
type Claims struct {
	User     string
	Roles    Roles    // 0 means a buyer's
	Sales    []string // patterns of the sales that it is for; none for all
	TokenID  string   // by which it can be revoked alone (jti); "" for none
	Issuer   string
	Audience string
	Issued   time.Time
	Expires  time.Time
}

// Issue signs a token with a secret. It returns ErrBadConfig when a verifier
// would refuse the token.
func Issue(secret []byte, claims Claims) (string, error) {
	switch {
	case len(secret) < SecretBytesMin:
		return "", fmt.Errorf("%w: the token secret has %d bytes, at least %d are needed", ErrBadConfig, len(secret), SecretBytesMin)
	case !validUser(claims.User):
		return "", fmt.Errorf("%w: the user must have 1 to %d bytes of UTF-8 without control characters", ErrBadConfig, sequencer.UserBytesMax)
	case claims.Issuer == "" || claims.Audience == "":
		return "", fmt.Errorf("%w: the token's issuer and audience must be set", ErrBadConfig)
	case claims.Expires.Unix() <= claims.Issued.Unix():
		return "", fmt.Errorf("%w: the token would expire before it is issued", ErrBadConfig)
	}
	sales, err := claimOfSales(claims.Sales)
	if err != nil {
		return "", err
	}
	issued, expires := seconds(claims.Issued.Unix()), seconds(claims.Expires.Unix())
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, &tokenClaims{
		Subject: claims.User, Issuer: claims.Issuer, Audience: audience{claims.Audience},
		Issued: &issued, Expires: &expires, Roles: claims.Roles.Names(), Sales: sales,
		TokenID: claims.TokenID,
	})
	token.Header["kid"] = KeyID(secret)
	return token.SignedString(secret)
}
