package main

import (
	"errors"
	"fmt"
	"time"

	"onsale/api"
	"onsale/api/contract"
	"onsale/cluster/codes"
	"onsale/cluster/forward"
	"onsale/sequencer"
)

// sellersCluster is the cluster as the sellers' listener of a node serves it.
type sellersCluster struct{ *forward.Replica }

// DecideAs implements api.SellerBackend.
func (s sellersCluster) DecideAs(token []byte, c *sequencer.Command) (sequencer.Result, error) {
	result, err := s.Replica.DecideAs(token, c)
	if errors.Is(err, codes.ErrToken) {
		err = contract.NewProblem(contract.Unauthorized, "the leader does not take this token: does it have the same secret, keys and sales?")
	}
	return result, err
}

// sellersHere decides what other nodes send here with a seller's token (forward.Sellers).
type sellersHere struct{ *api.Sellers }

func (v *server) sellersHere() sellersHere {
	return sellersHere{api.NewSellers(v.tokens.verifier, time.Now, v.node)}
}

// Seller implements forward.Sellers.
func (s sellersHere) Seller(token []byte, c *sequencer.Command) (sequencer.Result, error) {
	result, err := s.Sellers.Seller(token, c)
	if errors.Is(err, contract.ErrUnauthorized) || errors.Is(err, contract.ErrForbidden) {
		err = fmt.Errorf("%w: %w", codes.ErrToken, err)
	}
	return result, err
}
