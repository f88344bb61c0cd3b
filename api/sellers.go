package api

import (
	"fmt"
	"math/rand/v2"
	"time"

	"onsale/api/auth"
	"onsale/sequencer"
)

// Sellers decides sellers' commands that other nodes of the cluster send to the leader, by
// the tokens that they come with.
type Sellers struct {
	tokens *auth.Verifier
	clock  func() time.Time
	decide func(*sequencer.Command) (sequencer.Result, error)
}

// NewSellers returns what checks tokens by the verifier, at the time of the clock, and
// decides on this node.
func NewSellers(tokens *auth.Verifier, clock func() time.Time, decide func(*sequencer.Command) (sequencer.Result, error)) *Sellers {
	return &Sellers{tokens: tokens, clock: clock, decide: decide}
}

// Seller decides a seller's command; its actor is whose token it is, whatever it said
// before. A problem of the kinds Unauthorized and Forbidden when the token is not valid or
// lacks the role.
func (s *Sellers) Seller(token []byte, c *sequencer.Command) (sequencer.Result, error) {
	if !c.Kind.Sellers() {
		return sequencer.Result{}, fmt.Errorf("%w: a %s is no seller's command", sequencer.ErrForward, c.Kind)
	}
	header := append([]byte("Bearer "), token...)
	who, err := s.tokens.Authorize(header, rolesToChange, s.clock().Unix(), rand.Uint64())
	if err != nil {
		return sequencer.Result{}, err
	}
	own := *c
	own.Actor = who.User
	return s.decide(&own)
}
