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
	var decided []sequencer.Command
	office := NewSellers(f.tokens, time.Now, func(c *sequencer.Command) (sequencer.Result, error) {
		decided = append(decided, *c)
		return sequencer.Result{Seq: 9}, nil
	})
	pause := sequencer.Command{Kind: sequencer.KindSalePause, Sale: 1, Actor: []byte("somebody else")}
	for name, c := range map[string]struct {
		token   string
		command sequencer.Command
		err     error
	}{
		"a seller":   {apitest.Token(t, "sella", auth.RoleSeller), pause, nil},
		"a buyer":    {apitest.Token(t, "bob", auth.RoleBuyer), pause, contract.ErrForbidden},
		"an auditor": {apitest.Token(t, "audra", auth.RoleAuditor), pause, contract.ErrForbidden},
		"nobody":     {"", pause, contract.ErrUnauthorized},
		"nonsense":   {"x.y.z", pause, contract.ErrUnauthorized},
		"a payment":  {apitest.Token(t, "sella", auth.RoleSeller), sequencer.Command{Kind: sequencer.KindPayResult}, sequencer.ErrForward},
	} {
		decided = nil
		result, err := office.Seller([]byte(c.token), &c.command)
		switch {
		case c.err == nil && (err != nil || result.Seq != 9 || len(decided) != 1 || string(decided[0].Actor) != "sella" || decided[0].Sale != 1):
			t.Errorf("%s: %+v, %v, decided %+v", name, result, err, decided)
		case c.err != nil && (!errors.Is(err, c.err) || len(decided) > 0):
			t.Errorf("%s: %v, decided %+v", name, err, decided)
		}
	}
}
