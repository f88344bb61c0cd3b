// Package challenge makes buying cost something before it reaches the sale: a
// gate that each buy must pass, and a built-in one that asks for some work of
// the buyer's processor, so that a thousand accounts cost a thousand times it.
//
// # The built-in gate
//
// A challenge is text that a buyer gets with his token; the answer is
// CHALLENGE:NONCE, where NONCE is a number in decimal digits such that the
// SHA-256 of the whole answer begins with as many zero bits as the challenge
// asks. It is bound to the buyer and to the time by an HMAC, so that the server
// remembers nothing and every process with the same secret takes the answer.
//
// # Trade-offs
//
//   - An answer may be used again until the challenge ends: it is no use to
//     anybody else, and what one buyer may ask is limited elsewhere. Retries with
//     an idempotency key cost no new work so.
//   - Work can be done before the sale begins, as early as a challenge lives
//     (one to two windows). That spares the honest the wait, and an account
//     still costs the work once in that time.
//   - Who has a thousand processors buys a thousand times as fast. This is a
//     price, not a proof of being human; a Gate that is one fits in its place.
package challenge

import (
	"errors"
	"time"
)

// Gate decides whether a buy may go to the sale. Check gets the user, what the
// buyer sent along (nil for nothing), which it must not keep, and the time. The
// text of its error is told to the buyer. It must be safe for concurrent use.
type Gate interface {
	Check(user string, token []byte, now time.Time) error
}

// Issuer is a Gate that makes challenges itself.
type Issuer interface {
	Gate
	Issue(user string, now time.Time) Challenge
}

// Challenge is what a buyer has to solve.
type Challenge struct {
	Text           string
	DifficultyBits int
	Expires        time.Time // the answer counts before it
}

// The errors of an answer that does not do.
var (
	// ErrRequired is returned when no answer was sent.
	ErrRequired = errors.New("solve a challenge first")
	// ErrMalformed is returned when it is not CHALLENGE:NONCE.
	ErrMalformed = errors.New("the answer to the challenge is malformed")
	// ErrExpired is returned when the challenge has ended.
	ErrExpired = errors.New("the challenge has ended; get a new one")
	// ErrUnsolved is returned when too little work was done.
	ErrUnsolved = errors.New("the challenge is not solved")
	// ErrForeign is returned when the challenge is another user's, or was not
	// made here.
	ErrForeign = errors.New("the challenge is not this buyer's")
	// ErrBadConfig is returned when a configuration breaks a bound.
	ErrBadConfig = errors.New("bad challenge")
)
