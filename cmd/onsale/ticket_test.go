package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/internal/ticket"
)

// A buyer's tickets from the payment to the entrance, where there is no network: the server has
// ended when they are checked.
func TestTicketAtTheEntrance(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string) string {
		if err := os.WriteFile(path(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	command(t, 0, "ticket", "key", path("ticket-key"))
	command(t, 1, "ticket", "key", path("ticket-key"))
	o := openOffice(t, func(s *settings) { s.TicketKeyFile = path("ticket-key") })
	for _, sale := range []string{"gig", "other"} {
		o.sell(0, "sale", "create", sale, "--quantity", "10", "--cap", "3", "--price", "0")
	}
	paid := func(user, sale, tickets string) contract.OrderDetail {
		order := into[contract.Decision](t, o.buy(0, user, "buy", "--sale", sale, "--quantity", tickets, "-o", "json")).Order
		o.buy(0, user, "pay", order, "--method", "none")
		return into[contract.OrderDetail](t, o.sell(0, "order", "show", order, "-o", "json"))
	}
	ann, bob, other := paid("ann", "gig", "3"), paid("bob", "gig", "1"), paid("bob", "other", "1")
	own := into[contract.Order](t, o.buy(0, "ann", "order", "get", ann.UID, "-o", "json"))
	if len(own.Tickets) != 3 || own.Tickets[2] != ann.Tickets[2] || own.Tickets[0].Number != 1 || len(own.Tickets[0].Code) != ticket.CodeCharacters || bob.Tickets[0].Number != 4 {
		t.Fatalf("%+v, to the seller %+v, %+v", own.Tickets, ann.Tickets, bob.Tickets)
	}
	o.sell(2, "order", "refund", ann.UID, "--tickets", "2", "--quantity", "2")
	o.sell(1, "order", "refund", ann.UID, "--tickets", "4")
	shown := into[contract.Order](t, o.sell(0, "order", "refund", ann.UID, "--tickets", "2", "-o", "json"))
	if len(shown.Tickets) != 2 || shown.Tickets[1].Number != 3 {
		t.Errorf("%+v", shown)
	}

	o.exportsTickets(path("entrance.csv"), ann, bob)
	keys := write("keys.json", command(t, 0, "ticket", "keys", "--http", o.server.publicListener.Addr().String()))
	revoked := write("revoked.json", o.sell(0, "ticket", "revocations", "--sale", "gig"))
	o.close()

	verify := func(code int, text string) string {
		return command(t, code, "ticket", "verify", text, "--keys", keys, "--revoked", revoked)
	}
	has(t, verify(0, own.Tickets[0].Code), "valid: ticket 1")
	has(t, verify(0, bob.Tickets[0].Code+"\n"), "valid: ticket 4")
	has(t, verify(3, own.Tickets[1].Code), "revoked", "number 2")
	has(t, verify(3, other.Tickets[0].Code), "another sale")
	has(t, verify(7, strings.Replace(own.Tickets[0].Code, own.Tickets[0].Code[9:10], "Z", 1)), "not genuine")
	has(t, command(t, 1, "ticket", "verify", "x", "--keys", revoked, "--revoked", revoked), "not a file of keys")
	has(t, command(t, 2, "ticket", "verify", "x", "--keys", keys), "revoked")

	in, err := os.Open(write("scanned", own.Tickets[0].Code+"\n\n"+own.Tickets[1].Code+"\nnonsense\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out strings.Builder
	root := newRoot(&program{out: &out, err: &out})
	root.SetIn(in)
	root.SetArgs([]string{"ticket", "verify", "-", "--keys", keys, "--revoked", revoked})
	if err := root.Execute(); exitCode(err) != 7 {
		t.Errorf("%v", err)
	}
	has(t, out.String(), "valid: ticket 1\nNOT VALID: this ticket was revoked", "NOT VALID: this ticket is not genuine")
}

// exportsTickets holds the list for the entrance to two orders, of the first of which the second of
// three tickets was refunded.
func (o *office) exportsTickets(file string, ann, bob contract.OrderDetail) {
	o.t.Helper()
	has(o.t, o.sell(0, "ticket", "export", "--sale", "gig", "--out", file), "4 tickets")
	data, err := os.ReadFile(file)
	if err != nil {
		o.t.Fatal(err)
	}
	want := "number,status,order,user_id,reference,code\n"
	for i, is := range ann.Tickets {
		status, code := "valid", is.Code
		if i == 1 {
			status, code = "revoked", ""
		}
		want += fmt.Sprintf("%d,%s,%s,ann,,%s\n", i+1, status, ann.UID, code)
	}
	if want += fmt.Sprintf("4,valid,%s,bob,,%s\n", bob.UID, bob.Tickets[0].Code); string(data) != want {
		o.t.Errorf("%s, want %s", data, want)
	}
	lines := strings.Split(o.sell(0, "ticket", "export", "--sale", "gig", "--lines"), "\n")
	if last := into[contract.SaleTicket](o.t, lines[3]); last != (contract.SaleTicket{Number: 4, Order: bob.UID, UserID: "bob", Code: bob.Tickets[0].Code}) {
		o.t.Errorf("%+v", last)
	}
	has(o.t, o.sell(1, "ticket", "export", "--sale", "gig", "--token", o.sellersToken("other")), "unknown-sale", "after 0 tickets")
	has(o.t, o.sell(0, "order", "find", "--sale", "gig", "-o", "csv"), ",1 3,", ",4,")
	if uids := o.sell(0, "order", "find", "--sale", "gig", "--uids"); uids != ann.UID+"\n"+bob.UID+"\n" {
		o.t.Errorf("%q", uids)
	}
	has(o.t, o.sell(0, "order", "show", ann.UID), "tickets.3", "parts.1", "1 refunded, money_back=")
}

// A seller has a token and no secret: the environment has it, and a flag wins.
func TestTokenInTheEnvironment(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "0")
	order := into[contract.Decision](t, o.buy(0, "ann", "buy", "--sale", "gig", "-o", "json")).Order
	seller := func(code int, args ...string) string {
		return command(t, code, append(args, "--private", o.server.privateListener.Addr().String())...)
	}
	t.Setenv("ONSALE_SECRET_FILE", filepath.Join(o.dir, "nothing"))
	has(t, seller(1, "sale", "show", "gig"), "ONSALE_TOKEN")
	t.Setenv("ONSALE_TOKEN", o.sellersToken("gig"))
	has(t, seller(0, "sale", "pause", "gig"), "paused", "sella")
	has(t, seller(0, "order", "cancel", order, "--seller"), "cancelled")
	has(t, seller(1, "sale", "show", "gig", "--token", o.sellersToken("other")), "unknown-sale")
	has(t, o.sell(0, "sale", "resume", "gig"), "cli") // it gives the secret's file
}

// A node without a key shows numbers and no codes, and has no keys.
func TestTicketsWithoutAKey(t *testing.T) {
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--quantity", "10", "--price", "0")
	order := into[contract.Decision](t, o.buy(0, "ann", "buy", "--sale", "gig", "-o", "json")).Order
	o.buy(0, "ann", "pay", order, "--method", "none")
	if own := into[contract.Order](t, o.buy(0, "ann", "order", "get", order, "-o", "json")); len(own.Tickets) != 1 || own.Tickets[0] != (contract.OrderTicket{Number: 1}) {
		t.Errorf("%+v", own)
	}
	has(t, command(t, 1, "ticket", "keys", "--http", o.server.publicListener.Addr().String()), "tickets-off")
	if _, err := os.Stat(filepath.Join(o.dir, "ticket-key")); err == nil {
		t.Error("a key was made: other nodes would sign otherwise")
	}
}

// A key file that does not do is named at the start.
func TestTicketKeyFileBad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, command(t, 2, "serve", "--data-dir", t.TempDir(), "--ticket-key-file", file), "--ticket-key-file", strconv.Itoa(64)+" hexadecimal digits")
}
