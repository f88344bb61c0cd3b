package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"onsale/api/contract"
	"onsale/cluster/membership/preflight"
)

// errNotReady is returned by `preflight` when a sale is not to begin like this.
var errNotReady = errors.New("not ready for the sale")

func newPreflight(p *program) *cobra.Command {
	var d desk
	plan := preflight.Plan{}
	c := &cobra.Command{Use: "preflight SALE", Short: "Say the night before whether everything is ready for a sale; ends with 1 when something is not", Args: arguments(cobra.ExactArgs(1)),
		Long: `Asks every node, which asks its payment provider, and judges: the sale, the members and their
alarms, that replicas are equal and run one program with the front-ends, clocks, disks against the
journal of the expected requests, memory, open files, the ends of certificates and of your token,
the newest backup, the provider and its account, and whether its webhooks arrive. The worst comes
first; -o json has it for programs. It changes nothing.`,
		Example: "  onsale preflight arena --private 127.0.0.1:8201\n  onsale preflight arena --requests 30000000 --backup-age-max 12h",
		RunE: func(c *cobra.Command, args []string) error {
			q, err := d.preflight(c, args[0])
			if err != nil {
				return err
			}
			q.Plan = plan
			return p.showPreflight(preflight.Judge(q))
		}}
	d.flags(c.Flags())
	c.Flags().Uint64Var(&plan.Requests, "requests", 10_000_000, "requests of buyers that are expected in all")
	c.Flags().Uint64Var(&plan.Connections, "connections", 1000, "connections of buyers that are expected at each node, when there are no front-ends")
	c.Flags().DurationVar(&plan.BackupAgeMax, "backup-age-max", 24*time.Hour, "time since the newest backup at most")
	return c
}

// preflight asks for all that is judged.
func (d *desk) preflight(c *cobra.Command, sale string) (*preflight.Question, error) {
	ends, err := endOfToken(d.ownToken())
	if err != nil {
		return nil, err
	}
	operator, err := d.open()
	if err != nil {
		return nil, err
	}
	is, err := operator.Sale(c.Context(), sale)
	if err != nil {
		return nil, err
	}
	raw, err := operator.Preflight(c.Context())
	if err != nil {
		return nil, err
	}
	q := &preflight.Question{Sale: plannedSale(is), TokenEnds: ends, Now: time.Now()}
	return q, json.Unmarshal(raw, &q.Preflight)
}

func plannedSale(s *contract.SaleDetail) preflight.Sale {
	return preflight.Sale{ID: s.ID, Status: s.Status, StartsAt: s.StartsAt, Hold: time.Duration(s.Hold), Price: s.Price, Test: s.Test, PseudonymKey: s.PseudonymKey,
		Tickets: uint64(s.Quantity), Waitlist: uint64(s.Waitlist)}
}

// endOfToken returns when a token ends; nil for never, and for none, which is made anew each time. It
// is not verified: the node has done that.
func endOfToken(token string) (*time.Time, error) {
	if token == "" {
		return nil, nil
	}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		return nil, fmt.Errorf("%w: --token: %w", errUsage, err)
	}
	if claims.ExpiresAt == nil {
		return nil, nil
	}
	return &claims.ExpiresAt.Time, nil
}

// showPreflight prints the lines, and returns errNotReady when one fails.
func (p *program) showPreflight(lines []preflight.Line) error {
	rows, failed := make([][]string, len(lines)), 0
	for i, l := range lines {
		rows[i] = []string{string(l.Verdict), l.Check, l.Member, l.Detail, l.Action}
		if l.Verdict == preflight.Fail {
			failed++
		}
	}
	if err := p.show(lines, []string{"verdict", "check", "member", "detail", "action"}, rows); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%w: %d of %d checks fail", errNotReady, failed, len(lines))
	}
	return nil
}
