package auth

import (
	"bytes"
	"errors"

	"onsale/api/contract"
)

// bearer is what Authorization begins with; its case does not matter.
var bearer = []byte("Bearer ")

// Authorize returns who sent an Authorization header, when the token is valid at now
// (Unix seconds) and has one of the wanted roles. Else the error is a *contract.Problem, and
// with one of the kind Forbidden it returns who it was.
// The hint spreads callers over counters.
func (v *Verifier) Authorize(authorization []byte, wanted Roles, now int64, hint uint64) (*Identity, error) {
	if len(authorization) == 0 {
		return nil, contract.NewProblem(contract.Unauthorized, "send a token: Authorization: Bearer TOKEN")
	}
	if len(authorization) <= len(bearer) || !bytes.EqualFold(authorization[:len(bearer)], bearer) {
		return nil, contract.NewProblem(contract.Unauthorized, "the only scheme is Bearer: Authorization: Bearer TOKEN")
	}

	who, err := v.verify(TokenOf(authorization), now, hint)
	switch {
	case errors.Is(err, ErrRevoked):
		return nil, contract.NewProblem(contract.TokenRevoked, "the token was revoked: get another one")
	case errors.Is(err, ErrExpired):
		return nil, contract.NewProblem(contract.Unauthorized, "the token has expired")
	case errors.Is(err, ErrNotYet):
		return nil, contract.NewProblem(contract.Unauthorized, "the token is not valid yet: the clock of who signed it is ahead")
	case err != nil:
		return nil, contract.NewProblem(contract.Unauthorized, "the token is not valid")
	case !who.Roles.Has(wanted):
		return who, contract.NewProblem(contract.Forbidden, "the token has none of the roles that this needs")
	}
	return who, nil
}

// TokenOf returns the token in an Authorization header that Authorize takes.
func TokenOf(authorization []byte) []byte { return bytes.Trim(authorization[len(bearer):], " \t") }
