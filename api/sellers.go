package api

import (
	"fmt"
	"math/rand/v2"
	"time"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/sequencer"
)

// Sellers decides sellers' commands that other nodes of the cluster send to the leader, by
// the tokens that they come with.
type Sellers struct {
	tokens *auth.Verifier
	clock  func() time.Time
	node   SellersNode
}

// SellersNode is the node on which sellers' commands are decided.
type SellersNode interface {
	// Decide gives a command its place in the order, as Backend.Decide does.
	Decide(*sequencer.Command) (sequencer.Result, error)
	// Read calls read with the state as of the last batch applied here.
	Read(read func(sequencer.Reader))
}

// NewSellers returns what checks tokens by the verifier, at the time of the clock, and
// decides on a node.
func NewSellers(tokens *auth.Verifier, clock func() time.Time, node SellersNode) *Sellers {
	return &Sellers{tokens: tokens, clock: clock, node: node}
}

// Seller decides a seller's command; its actor is whose token it is, whatever it said
// before. A problem of the kinds Unauthorized and Forbidden when the token is not valid,
// lacks the role or is for other sales.
func (s *Sellers) Seller(token []byte, c *sequencer.Command) (sequencer.Result, error) {
	if !c.Kind.Sellers() {
		return sequencer.Result{}, fmt.Errorf("%w: a %s is no seller's command", sequencer.ErrForward, c.Kind)
	}
	header := append([]byte("Bearer "), token...)
	who, err := s.tokens.Authorize(header, rolesToChange, s.clock().Unix(), rand.Uint64())
	if err != nil {
		return sequencer.Result{}, err
	}
	if who.Sales.Limited() && !s.isFor(&who.Sales, c) {
		return sequencer.Result{}, contract.NewProblem(contract.Forbidden, "the token is for sales named "+who.Sales.String())
	}
	own := *c
	own.Actor = who.User
	return s.node.Decide(&own)
}

// isFor reports whether a command is about a sale that the token is for. A sale or order that
// is not here is none: by the time of the decision it could be anybody's.
func (s *Sellers) isFor(sales *auth.Scope, c *sequencer.Command) bool {
	if c.Kind == sequencer.KindSaleCreate {
		spec, err := sequencer.DecodeSaleSpec(c.Body)
		return err == nil && sales.Has(spec.ID)
	}
	id, known := "", false
	s.node.Read(func(state sequencer.Reader) {
		if c.Kind.OfOrder() {
			var order sequencer.OrderView
			order, known = state.Order(c.Order)
			id = order.SaleID
			return
		}
		var sale sequencer.SaleView
		sale, known = state.Sale(c.Sale)
		id = sale.ID
	})
	return known && sales.Has(id)
}
