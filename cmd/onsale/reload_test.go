package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/proof/testenv"
)

// hangUp sends SIGHUP and waits until the process has logged words more often than before.
func (n *testNode) hangUp(words string) {
	n.t.Helper()
	before := strings.Count(n.log(), words)
	if err := n.process.Signal(syscall.SIGHUP); err != nil {
		n.t.Fatal(err)
	}
	testenv.Eventually(n.t, time.Minute, n.id+" logs "+words, func() bool { return strings.Count(n.log(), words) > before })
	if !n.isRunning() {
		n.t.Fatalf("%s ended:\n%s", n.id, n.log())
	}
}

// SIGHUP ends neither a node nor a front-end, whenever it comes, and lets both read again
// what can be: the level of the log, the secret of the tokens, the limits. What is wrong
// changes nothing, and what needs a restart is named.
func TestHangUp(t *testing.T) {
	testenv.TakesLong(t, "a node and a front-end")
	t.Parallel()
	n := newNodes(t, 1)[0]
	front := newFrontEnds(t, 1, []*testNode{n})[0]
	for _, p := range []*testNode{n, front} {
		file := filepath.Join(t.TempDir(), p.id+".toml")
		p.extra = append(p.extra, "--config", file)
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("log-level = \"info\"\n")
		p.start()
		testenv.Eventually(t, time.Minute, p.id+" ready", p.ready)
		p.logs("ready")

		write("log-level = \"loud\"\n")
		p.hangUp("change nothing")
		has(t, p.log(), "allowed are debug, info, warn and error")
		write("log-level = \"debug\"\nidle-timeout = \"77s\"\n")
		p.hangUp("settings were read again")
		has(t, p.log(), "idle-timeout")
		write("log-level = \"info\"\nuser-requests-per-second = 0.001\nuser-burst = 1\n")
		p.hangUp("settings were read again")
	}
	openGig(t, n, 10)

	buys := func(door *testNode, user string, secret []byte) error {
		token, err := issue(secret, user, auth.RoleBuyer, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		b, err := client.New(client.Config{Address: door.http, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Buy(context.Background(), client.Purchase{Quantity: 1, Sale: "gig"})
		return err
	}
	before, after := bytes.Repeat([]byte("s"), auth.SecretBytesMin), bytes.Repeat([]byte("t"), auth.SecretBytesMin)
	for _, p := range []*testNode{n, front} {
		if err := buys(p, "one at "+p.id, before); err != nil {
			t.Errorf("%s, the secret in force: %v", p.id, err)
		}
		if err := buys(p, "one at "+p.id, before); !errors.Is(err, contract.ErrThrottled) {
			t.Errorf("%s, over the new limit: %v", p.id, err)
		}
	}
	if err := os.WriteFile(n.secretFile, after, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*testNode{n, front} {
		p.hangUp("settings were read again")
		if err := buys(p, "two at "+p.id, before); !errors.Is(err, contract.ErrUnauthorized) {
			t.Errorf("%s, the secret of before: %v", p.id, err)
		}
		if err := buys(p, "two at "+p.id, after); err != nil {
			t.Errorf("%s, the new secret: %v", p.id, err)
		}
	}
	if err := os.Remove(n.secretFile); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*testNode{n, front} {
		p.hangUp("change nothing")
		if err := buys(p, "three at "+p.id, after); err != nil {
			t.Errorf("%s, the secret's file is gone: %v", p.id, err)
		}
	}
	front.stop()
	n.stop()
}
