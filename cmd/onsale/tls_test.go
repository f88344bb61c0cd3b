package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/proof/testenv"
)

// certify makes a certificate by command and returns the flags that use it.
func certify(t testing.TB, dir, kind, id string, more ...string) []string {
	t.Helper()
	command(t, 0, append([]string{"tls", "cert", "--dir", dir, "--" + kind, id, "--host", "127.0.0.1"}, more...)...)
	name := map[string]string{"node": "node-", "front-end": "frontend-", "operator": "operator-"}[kind] + id
	return []string{"--tls-ca", filepath.Join(dir, "ca.crt"), "--tls-cert", filepath.Join(dir, name+".crt"), "--tls-key", filepath.Join(dir, name+".key")}
}

// A cluster with TLS: nodes, front-end and operator know each other by their
// certificates; strangers change nothing; a renewed certificate needs no restart.
func TestClusterWithTLS(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	dir, other := filepath.Join(t.TempDir(), "tls"), filepath.Join(t.TempDir(), "other")
	command(t, 0, "tls", "ca", "--dir", dir)
	command(t, 0, "tls", "ca", "--dir", other)
	operator := certify(t, dir, "operator", "ann")
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.extra = certify(t, dir, "node", n.id)
		n.start()
	}
	at := func(code int, n *testNode, args ...string) string {
		t.Helper()
		args = append(args, "--private", n.private, "--secret-file", n.secretFile)
		return command(t, code, append(args, operator...)...)
	}
	testenv.Eventually(t, time.Minute, "a healthy cluster", func() bool {
		code, output := onsaleProcess(t, nil, append([]string{"cluster", "health", "--private", nodes[0].private, "--secret-file", nodes[0].secretFile}, operator...)...)
		return code == 0 && strings.Contains(output, "failure_tolerance")
	})
	at(0, nodes[1], "sale", "create", "gig", "--price", "0", "--quantity", "100")
	front := newFrontEnds(t, 1, nodes)[0]
	front.extra = certify(t, dir, "front-end", front.id)
	front.start()
	testenv.Eventually(t, time.Minute, "a front-end that sells", func() bool {
		_, err := front.buyer("ann").Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig", Key: "k"})
		return err == nil
	})
	term := func() string {
		var code int
		var text string
		testenv.Eventually(t, time.Minute, "the cluster's status", func() bool {
			code, text = attempt(append([]string{"cluster", "status", "-o", "csv", "--private", nodes[0].private, "--secret-file", nodes[0].secretFile}, operator...)...)
			return code == 0
		})
		return strings.Split(strings.Split(text, "\n")[1], ",")[4]
	}
	var terms []string
	for len(terms) < 6 { // a busy machine may elect meanwhile; strangers who can move the term move it each time
		terms = append(terms, term())
		comeAsStrangers(t, nodes, dir, other)
		if terms = append(terms, term()); terms[len(terms)-1] == terms[len(terms)-2] {
			break
		}
	}
	if terms[len(terms)-1] != terms[len(terms)-2] {
		t.Errorf("the terms before and after strangers came: %v", terms)
	}
	if _, output := onsaleProcess(t, nil, "cluster", "status", "--private", nodes[0].private, "--secret-file", nodes[0].secretFile); !strings.Contains(output, "HTTP request to an HTTPS server") && !strings.Contains(output, "EOF") && !strings.Contains(output, "400") {
		t.Errorf("plaintext at the private listener: %s", output)
	}
	certify(t, dir, "node", "n1", "--replace")
	nodes[1].kill()
	nodes[1].start() // handshakes anew with the renewed certificate of n1
	testenv.Eventually(t, time.Minute, "health after a renewal", func() bool {
		code, _ := onsaleProcess(t, nil, append([]string{"cluster", "health", "--private", nodes[0].private, "--secret-file", nodes[0].secretFile}, operator...)...)
		return code == 0
	})
	has(t, command(t, 0, "tls", "show", filepath.Join(dir, "node-n1.crt")), "node/n1")
	front.stop()
	for _, n := range nodes {
		n.stop()
	}
}

// comeAsStrangers lets those come to a cluster with TLS who must not be let in.
func comeAsStrangers(t *testing.T, nodes []*testNode, dir, other string) {
	t.Helper()
	for name, c := range map[string]struct {
		flags []string
		words string
	}{
		"no TLS":            {nil, ""},
		"another authority": {certify(t, other, "front-end", "f9", "--replace"), ""},
	} {
		stranger := newFrontEnds(t, 1, nodes)[0]
		stranger.id, stranger.extra = "f9", c.flags
		stranger.start()
		stranger.logs("no node of the cluster can be reached")
		if stranger.ready() {
			t.Errorf("%s is ready", name)
		}
		stranger.kill()
	}
	wrong := newcomer(t, "n9", nodes)
	wrong.extra = nodes[0].extra // right authority, another node's certificate
	code, output := onsaleProcess(t, nil, wrong.arguments()...)
	if code != 2 || !strings.Contains(output, "is for node/n1, this is node/n9") {
		t.Errorf("another node's certificate: %d\n%s", code, output)
	}
	old, short := certify(t, dir, "node", "n8", "--lifetime", "1s", "--replace"), newcomer(t, "n8", nodes)
	short.extra = old
	time.Sleep(1100 * time.Millisecond)
	if code, output := onsaleProcess(t, nil, short.arguments()...); code == 0 || !strings.Contains(output, "expired") {
		t.Errorf("an expired certificate: %d\n%s", code, output)
	}
}
