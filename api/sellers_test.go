package api

import (
	"errors"
	"testing"
	"time"

	"onsale/api/apitest"
	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/sequencer"
)

// The leader checks the token of a seller's command itself, and writes whose it is.
func TestSellersAreChecked(t *testing.T) {
	f := serve(t)
	f.sale("arena", nil)
	f.sale("gig", nil)
	arenas, gigs := f.bought("ann", "?q=1&sale=arena"), f.bought("ann", "?q=1&sale=gig")
	node := &sellersNode{testBackend: f.backend}
	office := NewSellers(f.tokens, time.Now, node)
	spec := func(id string) []byte {
		view, _ := f.backend.SaleByID("gig")
		is := view.SaleSpec
		is.ID = id
		return sequencer.AppendSaleSpec(nil, &is)
	}
	own := apitest.Token(t, "sella", auth.RoleSeller, "are*")
	pause := sequencer.Command{Kind: sequencer.KindSalePause, Sale: 1, Actor: []byte("somebody else")}
	for name, c := range map[string]struct {
		token   string
		command sequencer.Command
		err     error
	}{
		"a seller":        {apitest.Token(t, "sella", auth.RoleSeller), pause, nil},
		"a buyer":         {apitest.Token(t, "bob", auth.RoleBuyer), pause, contract.ErrForbidden},
		"an auditor":      {apitest.Token(t, "audra", auth.RoleAuditor), pause, contract.ErrForbidden},
		"nobody":          {"", pause, contract.ErrUnauthorized},
		"nonsense":        {"x.y.z", pause, contract.ErrUnauthorized},
		"her sale":        {own, pause, nil},
		"her order":       {own, sequencer.Command{Kind: sequencer.KindRefund, Order: arenas.Seq, Sale: 1}, nil},
		"her buyer":       {own, sequencer.Command{Kind: sequencer.KindWithdraw, Order: arenas.Seq, Sale: 1}, nil},
		"another's buyer": {own, sequencer.Command{Kind: sequencer.KindWithdraw, Order: gigs.Seq, Sale: 1}, contract.ErrForbidden},
		"a sale to be":    {own, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: spec("arena-2"), Sale: 1}, nil},
		"another's sale":  {own, sequencer.Command{Kind: sequencer.KindSalePause, Sale: 2}, contract.ErrForbidden},
		"another's order": {own, sequencer.Command{Kind: sequencer.KindRefund, Order: gigs.Seq, Sale: 1}, contract.ErrForbidden},
		"another to be":   {own, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: spec("gig-2"), Sale: 1}, contract.ErrForbidden},
		"no sale":         {own, sequencer.Command{Kind: sequencer.KindSalePause, Sale: 3}, contract.ErrForbidden},
		"no order":        {own, sequencer.Command{Kind: sequencer.KindAcknowledge, Order: 99, Sale: 1}, contract.ErrForbidden},
		"no spec":         {own, sequencer.Command{Kind: sequencer.KindSaleCreate, Body: []byte("x"), Sale: 1}, contract.ErrForbidden},
		"a payment":       {apitest.Token(t, "sella", auth.RoleSeller), sequencer.Command{Kind: sequencer.KindPayResult}, sequencer.ErrForward},
	} {
		node.decided = nil
		result, err := office.Seller([]byte(c.token), &c.command)
		switch {
		case c.err == nil && (err != nil || result.Seq != 9 || len(node.decided) != 1 || string(node.decided[0].Actor) != "sella" || node.decided[0].Sale != 1):
			t.Errorf("%s: %+v, %v, decided %+v", name, result, err, node.decided)
		case c.err != nil && (!errors.Is(err, c.err) || len(node.decided) > 0):
			t.Errorf("%s: %v, decided %+v", name, err, node.decided)
		}
	}
}

// sellersNode notes what is decided on it.
type sellersNode struct {
	*testBackend
	decided []sequencer.Command
}

func (n *sellersNode) Decide(c *sequencer.Command) (sequencer.Result, error) {
	n.decided = append(n.decided, *c)
	return sequencer.Result{Seq: 9}, nil
}

func (n *sellersNode) Read(read func(sequencer.Reader)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	read(n.state)
}
