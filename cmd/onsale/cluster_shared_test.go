package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

// buyOnce asks a door for one ticket, without patience.
func (n *testNode) buyOnce(user, sale string) error {
	_, err := n.buyer(user).Buy(context.Background(), client.Purchase{Quantity: 1, Sale: sale, Key: "key of " + user + sale})
	return err
}

// metrics are what a process tells who monitors it.
func (n *testNode) metrics() string {
	n.t.Helper()
	secret, err := readSecret(n.secretFile)
	if err != nil {
		n.t.Fatal(err)
	}
	token, err := issue(secret, "monitor", auth.RoleMonitor, time.Hour)
	if err != nil {
		n.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+n.private+"/metrics", nil)
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// One front-end, two clusters, of which one is not there yet: what that one could make wrong
// is neither said nor sold. When it comes with a sale of an id that the other one has, that id
// is sold no more, and who watches is told; cancelling one of the two ends it.
func TestTwoClustersOneSale(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	here, there := newNodes(t, 1), newNodes(t, 1)
	there[0].secretFile = here[0].secretFile
	there[0].extra = []string{"--cluster-number", "1"}
	f := newFrontEnds(t, 1, here, there)[0]
	f.writeTable("", `sales = ["tour*"]`)
	f.start()
	testenv.Eventually(t, time.Minute, "an answer without a cluster", func() bool {
		page, err := f.buyer("ann").Tickets(context.Background(), 0, "")
		if err == nil {
			t.Fatalf("sales of no cluster: %+v", page)
		}
		return errors.Is(err, sequencer.ErrNoLeader)
	})
	here[0].start()
	openGig(t, leaderAmong(t, here), 100)
	testenv.Eventually(t, time.Minute, "a ready front-end", f.ready)
	f.mustBuy("ann", "gig")
	for _, sale := range []string{"", "tour-1"} {
		if err := f.buyOnce("bob", sale); !errors.Is(err, sequencer.ErrNoLeader) {
			t.Errorf("buys %q while a cluster was never reached: %v", sale, err)
		}
	}
	page, err := f.buyer("ann").Tickets(context.Background(), 0, "")
	if err != nil || len(page.Tickets) != 1 || len(page.Incomplete) != 1 || page.Incomplete[0] != "c1" {
		t.Fatalf("sales of one cluster of two: %+v, %v", page, err)
	}

	there[0].start()
	openGig(t, leaderAmong(t, there), 100)
	testenv.Eventually(t, time.Minute, "the sale to be refused", func() bool {
		return errors.Is(f.buyOnce("cid", "gig"), contract.ErrSaleShared)
	})
	f.logs("several clusters have a sale with the same id")
	testenv.Eventually(t, time.Minute, "the alarm", func() bool {
		return strings.Contains(f.readyz(), "gig on c0, c1") && strings.Contains(f.metrics(), "onsale_sales_shared 1")
	})
	testenv.Eventually(t, time.Minute, "a front-end that is ready all the same", f.ready)
	if _, err := there[0].seller().CancelSale(context.Background(), "gig"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "the other one to be sold", func() bool { return f.buyOnce("cid", "") == nil })
	f.stop()
}
