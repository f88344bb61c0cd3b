package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"onsale/api"
	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/internal/secretfile"
)

// serveDev runs a node on a throw-away folder with a demo sale, and prints what
// to paste.
func (p *program) serveDev(ctx context.Context, s *settings, log *slog.Logger, hangUp <-chan os.Signal) error {
	dir, err := os.MkdirTemp("", "onsale-dev-")
	if err != nil {
		return err
	}
	s.Node.DataDir, s.Join = dir, nil
	if s.TicketKeyFile == "" {
		s.TicketKeyFile = filepath.Join(dir, "ticket-key")
		if err := secretfile.Make(s.TicketKeyFile); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	s.Payment.Provider, s.Payment.URL = providerSandbox, ""
	if s.Web.UserRequestsPerSecond == api.DefaultConfig().UserRequestsPerSecond {
		s.Web.UserRequestsPerSecond = 0 // load tools have one user and one token
	}
	err = runServer(ctx, s, log, hangUp, p.demo)
	return errors.Join(err, os.RemoveAll(dir))
}

// demoTickets is how many tickets the demo sale has.
const demoTickets = 100_000

// demo creates the demo sale and prints the commands.
func (p *program) demo(v *server) error {
	seller, err := issue(v.secrets[0], "demo-seller", auth.RoleSeller|auth.RoleOperator, 24*time.Hour)
	if err != nil {
		return err
	}
	buyer, err := issue(v.secrets[0], "alice", auth.RoleBuyer, 24*time.Hour)
	if err != nil {
		return err
	}
	private := "http://" + v.privateListener.Addr().String()
	desk, err := client.NewSeller(client.Config{Address: private, Token: seller})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := desk.CreateSale(ctx, contract.NewSale{ID: "demo", Item: "Demo concert", Quantity: demoTickets, Waitlist: 1000, Test: true, Price: new(int64(4900)), Currency: "EUR"}); err != nil {
		return err
	}
	buyers := "http://" + v.publicListener.Addr().String()
	fmt.Fprintf(p.out, `
A sale of %d tickets, "demo", is open. Buy one as alice (at most 2 a buyer):

  ORDER=$(curl -s -X POST -H 'Authorization: Bearer %s' '%s/v1/tickets?q=1' | tee /dev/stderr | grep -o '"order":"[^"]*' | cut -d'"' -f4)

Pay it (no real money; tok_decline and others do what they say, see onsale sandbox --help):

  curl -s -X POST -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' \
    -d '{"order":"'$ORDER'","method":"tok_accept"}' '%s/v1/tickets/payment'

See her orders, and the sale:

  curl -s -H 'Authorization: Bearer %s' '%s/v1/orders?pretty'
  curl -s '%s/v1/tickets/demo?pretty'

Watch as the seller (private listener):

  curl -s -H 'Authorization: Bearer %s' '%s/v1/sales/demo/report'

The data is thrown away when this process ends (Ctrl-C).
`, demoTickets, buyer, buyers, buyer, buyers, buyer, buyers, buyers, seller, private)
	return nil
}
