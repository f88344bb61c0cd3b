package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/internal/ticket"
	"onsale/proof/testenv"
)

// turnstile is a node that signs tickets, and what the entrance has of it.
type turnstile struct {
	t    *testing.T
	node *testNode
	keys string // file
	list string // file of what was revoked
}

func (e *turnstile) start() {
	e.node.start()
	testenv.Eventually(e.t, time.Minute, "the node is ready", e.node.ready)
}

func (e *turnstile) sell(args ...string) string {
	e.t.Helper()
	return command(e.t, 0, append(args, "--private", e.node.private, "--secret-file", e.node.secretFile)...)
}

func (e *turnstile) buyer(user string, args ...string) string {
	e.t.Helper()
	return command(e.t, 0, append(args, "--user", user, "--http", e.node.http, "--secret-file", e.node.secretFile)...)
}

func (e *turnstile) buys(user string) (order string) {
	e.t.Helper()
	return into[contract.Decision](e.t, e.buyer(user, "buy", "--sale", "gig", "-o", "json")).Order
}

// pays pays an order, and returns its one ticket.
func (e *turnstile) pays(user, order string) contract.OrderTicket {
	e.t.Helper()
	e.buyer(user, "pay", order, "--method", "none")
	is := into[contract.Order](e.t, e.buyer(user, "order", "get", order, "-o", "json"))
	if len(is.Tickets) != 1 || len(is.Tickets[0].Code) != ticket.CodeCharacters {
		e.t.Fatalf("%+v", is)
	}
	return is.Tickets[0]
}

// fetch brings both files up to date.
func (e *turnstile) fetch() (keys ticket.Keys) {
	e.t.Helper()
	text := command(e.t, 0, "ticket", "keys", "--http", e.node.http)
	for path, content := range map[string]string{e.keys: text, e.list: e.sell("ticket", "revocations", "--sale", "gig")} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			e.t.Fatal(err)
		}
	}
	return into[ticket.Keys](e.t, text)
}

// verify checks a ticket as the entrance does, by both files alone.
func (e *turnstile) verify(code int, is contract.OrderTicket) string {
	e.t.Helper()
	return command(e.t, code, "ticket", "verify", is.Code, "--keys", e.keys, "--revoked", e.list)
}

// A cluster that goes on from a backup has lost what was paid behind it: tickets of before let
// people in, those that were lost do not, although their numbers are others' by now, and the
// entrance says why without a network: the node is gone when the last ones are checked.
func TestTicketsOfACutHistory(t *testing.T) {
	testenv.TakesLong(t, "it kills a node and restores it")
	t.Parallel()
	dir := t.TempDir()
	e := &turnstile{t: t, node: newNodes(t, 1)[0], keys: filepath.Join(dir, "keys.json"), list: filepath.Join(dir, "revoked.json")}
	secret, backup := filepath.Join(dir, "ticket-key"), filepath.Join(dir, "backup")
	command(t, 0, "ticket", "key", secret)
	e.node.extra = []string{"--ticket-key-file", secret}
	e.start()
	e.sell("sale", "create", "gig", "--price", "0", "--quantity", "10")
	before := e.pays("ann", e.buys("ann"))
	bobs := e.buys("bob")
	e.sell("snapshot", "save", backup)
	cut := into[struct {
		Seq uint64 `json:"seq"`
	}](t, command(t, 0, "snapshot", "inspect", backup, "-o", "json")).Seq

	paidBehind, orderBehind := e.pays("bob", bobs), e.pays("carl", e.buys("carl"))
	e.fetch()
	for _, is := range []contract.OrderTicket{before, paidBehind, orderBehind} {
		has(t, e.verify(0, is), fmt.Sprint("valid: ticket ", is.Number))
	}

	e.node.process.Kill()
	e.node.dir = filepath.Join(dir, "restored")
	command(t, 0, "snapshot", "restore", backup, "--successor", "--data-dir", e.node.dir, "--node-id", e.node.id, "--peer", e.node.peer)
	e.start()
	has(t, e.verify(0, orderBehind), "valid") // by the old keys: that is why they are fetched again
	if births := e.fetch().Clusters[0].Births; len(births) != 2 || births[0].CutSeq != cut || births[1].CutSeq != 0 {
		t.Errorf("%+v, the backup is as of %d", births, cut)
	}
	after := e.pays("dora", e.buys("dora"))
	again := e.pays("bob", bobs)
	if after.Number != paidBehind.Number || again.Number != orderBehind.Number {
		t.Errorf("numbers %d and %d, lost were %d and %d", after.Number, again.Number, paidBehind.Number, orderBehind.Number)
	}
	e.node.process.Kill()

	for _, is := range []contract.OrderTicket{before, after, again} {
		has(t, e.verify(0, is), fmt.Sprint("valid: ticket ", is.Number))
	}
	for _, is := range []contract.OrderTicket{paidBehind, orderBehind} {
		has(t, e.verify(3, is), "lost with the cluster that sold it", fmt.Sprint("the history was cut behind ", cut))
	}
}
