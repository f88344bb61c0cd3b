package main

import (
	"path/filepath"
	"strings"
	"testing"

	"onsale/api/contract"
)

// Tokens by command: each opens what its role may, for as long as it is valid,
// and nothing else.
func TestTokenByCommand(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "9")
	public, private := o.server.publicListener.Addr().String(), o.server.privateListener.Addr().String()
	token := func(args ...string) []string {
		return strings.Fields(command(t, 0, append([]string{"token", "--secret-file", filepath.Join(o.dir, "token-secret")}, args...)...))
	}
	ann, seller := token("--user", "ann")[0], token("--user", "sue", "--role", "seller")[0]
	operator := token("--user", "opal", "--role", "operator")[0]

	bought := into[contract.Decision](t, command(t, 0, "buy", "--http", public, "--token", ann, "-o", "json"))
	has(t, command(t, 0, "order", "get", bought.Order, "--http", public, "--token", ann), "ann")
	has(t, command(t, 0, "sale", "list", "--private", private, "--token", seller), "gig")
	has(t, command(t, 0, "cluster", "status", "--private", private, "--token", operator), "leader")

	has(t, command(t, 1, "sale", "pause", "gig", "--private", private, "--token", ann), "forbidden")
	has(t, command(t, 1, "cluster", "status", "--private", private, "--token", ann), "forbidden")
	has(t, command(t, 1, "buy", "--http", public, "--token", "junk"), "--secret-file")
	forged := command(t, 0, "token", "--user", "ann", "--secret-file", secretFor(t))
	has(t, command(t, 1, "buy", "--http", public, "--token", strings.TrimSpace(forged)), "--secret-file")

	many := token("--user", "crowd", "--count", "3")
	if len(many) != 3 {
		t.Fatalf("%d tokens", len(many))
	}
	command(t, 0, "buy", "--http", public, "--token", many[2])
	has(t, o.buy(0, "crowd-3", "order", "list"), "reserved")
	for _, wrong := range []string{"0", "-1"} {
		has(t, command(t, 2, "token", "--user", "x", "--count", wrong, "--secret-file", secretFor(t)), "--count")
	}
}
