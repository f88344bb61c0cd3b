package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/auth"
)

// issue makes a token for a user and roles, for the sales that match, every sale without.
func issue(secret []byte, user string, roles auth.Roles, lifetime time.Duration, sales ...string) (string, error) {
	now, accepted := time.Now(), auth.DefaultConfig()
	return auth.Issue(secret, auth.Claims{
		User: user, Roles: roles, Sales: sales, TokenID: rand.Text(), Issuer: accepted.Issuer, Audience: accepted.Audience, Issued: now, Expires: now.Add(lifetime),
	})
}

const secretFileHelp = "file with the tokens' secrets, as the nodes have it (data/token-secret of one node alone); the first one signs"

// newToken prints tokens: for tests and operators. Buyers get theirs where they
// log in.
func newToken(p *program) *cobra.Command {
	var user, secretFile string
	var count int
	var roles, sales []string
	var lifetime time.Duration
	c := &cobra.Command{Use: "token", Short: "Make a token", Args: arguments(cobra.NoArgs),
		Example: "  onsale token --secret-file data/token-secret --user alice\n  onsale token --user sella --role seller --sale 'arena*'",
		RunE: func(*cobra.Command, []string) error {
			secret, err := readSecret(secretFile)
			if err != nil {
				return err
			}
			if count < 1 {
				return fmt.Errorf("%w: --count is %d, at least 1 is needed", errUsage, count)
			}
			parsed, err := auth.ParseRoles(roles)
			if err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return p.printTokens(secret, user, count, parsed, lifetime, sales)
		}}
	c.Flags().StringVar(&user, "user", "", "whom it speaks for")
	c.Flags().IntVar(&count, "count", 1, "how many; more than one are for USER-1, USER-2, …, for load tools")
	c.Flags().StringSliceVar(&roles, "role", []string{"buyer"}, "buyer, seller, operator, auditor, monitor")
	c.Flags().StringSliceVar(&sales, "sale", nil, "sales that a seller, operator or auditor sees and changes, such as 'arena*'; all without")
	c.Flags().DurationVar(&lifetime, "lifetime", 24*time.Hour, "time for which it is valid")
	c.Flags().StringVar(&secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
	_ = c.MarkFlagRequired("user") // the flag is declared above
	c.AddCommand(newTokenRevoke(p))
	return c
}

// printTokens prints a token a line.
func (p *program) printTokens(secret []byte, user string, count int, roles auth.Roles, lifetime time.Duration, sales []string) error {
	out := bufio.NewWriter(p.out)
	for i := range count {
		name := user
		if count > 1 {
			name = fmt.Sprintf("%s-%d", user, i+1)
		}
		token, err := issue(secret, name, roles, lifetime, sales...)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, token) // a bufio.Writer keeps its first error for Flush
	}
	return out.Flush()
}
