package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/proof/testenv"
)

// What a buyer's command line exits with when there is no decision: a script
// must know whether its request may have been taken.
func TestExitCodesWithoutDecision(t *testing.T) {
	secret := secretFor(t)
	has(t, command(t, 4, "buy", "--user", "ann", "--secret-file", secret, "--http", freeAddress(t)), "--key")
	hung := hangUp(t)
	has(t, command(t, 5, "buy", "--user", "ann", "--secret-file", secret, "--http", hung, "--key", "k"), "same --key", "--key k")
	for _, changes := range [][]string{
		{"sale", "pause", "gig", "--changed-seq", "3"}, {"sale", "extend", "gig", "1m", "--changed-seq", "3"}, {"sale", "cancel", "gig", "--yes"}, {"order", "refund", "000G000000000002"}, {"cluster", "transfer"},
	} {
		has(t, command(t, 5, append(changes, "--secret-file", secret, "--private", hung)...), "look before you repeat it")
	}
	command(t, 5, "order", "cancel", "000G000000000002", "--user", "ann", "--secret-file", secret, "--http", hung)
	// Reading changes nothing: that it failed is all there is to know.
	command(t, 1, "order", "list", "--user", "ann", "--secret-file", secret, "--http", hung)
	command(t, 1, "sale", "list", "--secret-file", secret, "--private", hung)
}

// hangUp takes connections, reads a request and closes without an answer, as a
// node does that is killed.
func hangUp(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096)) // whatever came, the answer is the same
			c.Close()
		}
	}()
	return l.Addr().String()
}

// One of three nodes is not enough to decide: buyers are told so instead of
// being kept, and the sale goes on when the others are back.
func TestMinorityTakesNothing(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	testenv.TakesLong(t, "a cluster of processes")
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 10)
	alone := leaderAmong(t, nodes)
	var others []*testNode
	for _, n := range nodes {
		if n != alone {
			others = append(others, n)
			n.kill()
		}
	}
	// The old leader does not know yet; then it has stepped down.
	if code := buyAt(alone, "ann", "before"); code != 4 && code != 5 {
		t.Errorf("a buy without a majority: exit code %d", code)
	}
	testenv.Eventually(t, time.Minute, "the last node tells that nobody leads", func() bool { return buyAt(alone, "bob", "alone") == 4 })
	if alone.ready() {
		t.Error("a node without a leader is ready")
	}
	has(t, command(t, 0, "cluster", "status", "--private", alone.private, "--secret-file", alone.secretFile), alone.id, "unreachable", others[0].peer)
	has(t, command(t, 1, "cluster", "health", "--private", alone.private, "--secret-file", alone.secretFile), "failure_tolerance")
	for _, n := range others {
		n.start()
	}
	leader := leaderAmong(t, nodes)
	testenv.Eventually(t, time.Minute, "the first buyer's retry", func() bool { return buyAt(leader, "ann", "before") == 0 })
	page, err := leader.buyer("ann").Orders(context.Background(), 0, "")
	if err != nil || len(page.Orders) != 1 {
		t.Fatalf("one key, %+v, %v", page, err)
	}
	if page, err := leader.buyer("bob").Orders(context.Background(), 0, ""); err != nil || len(page.Orders) != 0 {
		t.Errorf("what was not taken has %+v, %v", page, err)
	}
	mustBeSame(t, nodes)
	has(t, command(t, 0, "cluster", "status", "--private", nodes[1].private, "--secret-file", alone.secretFile), "leader", "follower", "n1", "n2", "n3")
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}

// buyAt returns the exit code that a buy at this node would have.
func buyAt(n *testNode, user, key string) int {
	_, err := n.buyer(user).Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: key})
	return exitCode(err)
}

// Commands look for the server where the environment says, and say what to do when
// nobody is there.
func TestNobodyThere(t *testing.T) {
	nobody := freeAddress(t)
	t.Setenv("ONSALE_HTTP", nobody)
	t.Setenv("ONSALE_PRIVATE", nobody)
	has(t, command(t, 4, "sale", "list", "--token", "x"), nobody, "onsale serve", "--private")
	has(t, command(t, 4, "order", "list", "--token", "x"), nobody, "onsale serve", "--http")
	has(t, command(t, 4, "buy", "--token", "x"), nobody, "the request was not sent")
}

// A handshake that fails is no request: what was to be bought has no place in line.
func TestFailedHandshake(t *testing.T) {
	var requests atomic.Int64
	answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	stranger, plain := httptest.NewUnstartedServer(answer), httptest.NewServer(answer)
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0) // it hears that it is not trusted
	stranger.StartTLS()
	defer stranger.Close()
	defer plain.Close()
	for name, address := range map[string]string{
		"a certificate that nobody vouches for": stranger.URL,
		"no TLS there":                          strings.Replace(plain.URL, "http:", "https:", 1),
		"no such name":                          "no-such-host.invalid:80",
	} {
		t.Run(name, func(t *testing.T) {
			has(t, command(t, 4, "buy", "--token", "x", "--http", address), "the request was not sent")
			has(t, command(t, 4, "pay", "000G000000000002", "--method", "m", "--token", "x", "--http", address), "the request was not sent")
			has(t, command(t, 4, "sale", "pause", "gig", "--token", "x", "--private", address), "the request was not sent")
		})
	}
	if requests.Load() != 0 {
		t.Error("a request was sent")
	}
}
