package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/proof/testenv"
)

// newFrontEnds plans front-ends of one or more clusters.
func newFrontEnds(t testing.TB, count int, clusters ...[]*testNode) []*testNode {
	var all []*testNode
	for i := range count {
		f := &testNode{t: t, id: fmt.Sprintf("f%d", i+1), http: freeAddress(t), private: freeAddress(t), secretFile: clusters[0][0].secretFile,
			peerSecretFile: clusters[0][0].peerSecretFile, format: "text"}
		f.dir = filepath.Join(t.TempDir(), f.id+".toml")
		for _, nodes := range clusters {
			var addresses []string
			for _, n := range nodes {
				addresses = append(addresses, n.peer)
			}
			f.frontEndOf = append(f.frontEndOf, addresses)
		}
		all = append(all, f)
	}
	t.Cleanup(func() {
		for _, f := range all {
			f.kill()
		}
	})
	return all
}

func (n *testNode) frontEndArguments() []string {
	arguments := []string{"frontend", "--id", n.id, "--http", n.http, "--private", n.private, "--secret-file", n.secretFile,
		"--peer-secret-file", n.peerSecretFile, "--log-format", n.format}
	if len(n.frontEndOf) == 1 {
		arguments = append(arguments, "--cluster", strings.Join(n.frontEndOf[0], ","))
	} else {
		arguments = append(arguments, "--config", n.dir)
	}
	return append(arguments, n.extra...)
}

// writeTable writes a front-end's table of clusters.
func (n *testNode) writeTable(entries ...string) {
	var text strings.Builder
	for i, more := range entries {
		fmt.Fprintf(&text, "[clusters.c%d]\nnumber = %d\nnodes = [%q]\n%s\n", i, i, strings.Join(n.frontEndOf[i], `", "`), more)
	}
	if err := os.WriteFile(n.dir, []byte(strings.ReplaceAll(text.String(), `\"`, `"`)), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

func (n *testNode) mustBuy(user, sale string) *contract.Decision {
	n.t.Helper()
	d, err := n.buyAgain(user, client.Purchase{Quantity: 1, Sale: sale, Key: "key of " + user})
	if err != nil || d.State != "reserved" {
		n.t.Fatalf("%s buys %s at %s: %+v, %v\n%s", user, sale, n.id, d, err, n.log())
	}
	return d
}

// Three nodes and two front-ends: buys through every door while the leader is
// killed and comes back. Nobody is told anything but a decision; nothing is lost.
func TestEveryDoor(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 1<<20)
	fronts := newFrontEnds(t, 2, nodes)
	for _, f := range fronts {
		f.start()
		testenv.Eventually(t, time.Minute, "a ready front-end", f.ready)
	}
	for _, door := range append(fronts, nodes...) {
		d := door.mustBuy("at-"+door.id, "gig")
		for _, other := range append(fronts, nodes...) {
			o, err := other.order("at-"+door.id, d.Order)
			if err != nil || o.State != "reserved" {
				t.Fatalf("bought at %s, seen at %s: %+v, %v", door.id, other.id, o, err)
			}
		}
	}
	c := gather(fronts, 16)
	for range 2 {
		c.buysOn(t)
		old := leaderAmong(t, nodes)
		old.kill()
		leaderAmong(t, nodes)
		c.buysOn(t)
		old.start()
	}
	told := c.disperse(t)
	leaderAmong(t, nodes)
	mustHold(t, fronts[0], told)
	mustBeSame(t, nodes)
	for _, f := range fronts {
		f.stop()
	}
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}

// Two clusters, two sales, one front-end: each sale is bought where it is; one
// cluster that stops leaves the other selling; the table is read again.
func TestTwoClustersOneFrontEnd(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	here, there := newNodes(t, 1), newNodes(t, 1)
	there[0].secretFile = here[0].secretFile
	there[0].extra = []string{"--cluster-number", "1"}
	for _, n := range append(here, there...) {
		n.start()
	}
	openGig(t, leaderAmong(t, here), 100)
	_, err := leaderAmong(t, there).seller().CreateSale(context.Background(), contract.NewSale{ID: "away", Item: "Away", Quantity: 100, Price: new(int64(100)), Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	f := newFrontEnds(t, 1, here, there)[0]
	f.writeTable(`sales = ["gig*"]`, "")
	f.start()
	testenv.Eventually(t, time.Minute, "a ready front-end", f.ready)
	gig, away := f.mustBuy("ann", "gig"), f.mustBuy("ann", "away")
	page, err := f.buyer("ann").Orders(context.Background(), 0, "")
	if err != nil || len(page.Orders) != 2 || page.Orders[0].UID != gig.Order || page.Orders[1].UID != away.Order || gig.Order == away.Order {
		t.Fatalf("orders %+v, %v", page, err)
	}
	if o, err := there[0].order("ann", away.Order); err != nil || o.Sale != "away" {
		t.Fatalf("at its own node: %+v, %v", o, err)
	}
	there[0].kill()
	f.mustBuy("bob", "gig")
	if !f.ready() {
		t.Error("one cluster down makes the front-end unready")
	}
	there[0].start()
	leaderAmong(t, there)
	testenv.Eventually(t, time.Minute, "the other cluster sells again", func() bool {
		_, err := f.buyer("bob").Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "away", Key: "again"})
		return err == nil
	})
	f.writeTable(`sales = ["nothing"]`, "")
	testenv.Eventually(t, time.Minute, "the table to be read again", func() bool {
		_, err := f.buyer("cid").Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: "k"})
		return errors.Is(err, contract.ErrUnknownSale)
	})
	f.stop()
}
