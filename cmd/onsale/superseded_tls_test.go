package main

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onsale/proof/testenv"
	"onsale/sequencer"
)

// The runbook's drill with TLS: the lost nodes' certificates are still good, and do not help
// them. A front-end's own cannot supersede anybody (package peer).
func TestLostNodesWithTLS(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	command(t, 0, "tls", "ca", "--dir", dir)
	operator := certify(t, dir, "operator", "ann")
	nodes := newNodes(t, 3)
	for _, n := range nodes {
		n.extra = certify(t, dir, "node", n.id)
		n.start()
	}
	front := newFrontEnds(t, 1, nodes)[0]
	front.extra = append(certify(t, dir, "front-end", front.id), "--state-file", filepath.Join(t.TempDir(), "state"))
	front.start()
	at := []string{"--private", nodes[0].private, "--secret-file", nodes[0].secretFile}
	testenv.Eventually(t, time.Minute, "a sale", func() bool {
		code, _ := attempt(append(append([]string{"sale", "create", "gig", "--price", "0", "--quantity", "100"}, at...), operator...)...)
		return code == 0 || front.tries("early") == nil
	})
	testenv.Eventually(t, time.Minute, "a front-end that sells", func() bool { return front.tries("early") == nil })
	for _, n := range nodes {
		n.stop()
	}

	recovered(t)(nodes[0], "")
	successor := nodes[0].alone()
	successor.start()
	testenv.Eventually(t, time.Minute, "the front-end sells in the new cluster", func() bool { return front.tries("first") == nil })
	for _, n := range nodes[1:] {
		n.start()
	}
	testenv.Eventually(t, time.Minute, "both lost nodes are superseded", func() bool {
		return !slices.ContainsFunc(nodes[1:], func(n *testNode) bool {
			err := n.tries("straggler")
			if err == nil {
				t.Errorf("%s took a buy", n.id)
			}
			return !errors.Is(err, sequencer.ErrSuperseded)
		})
	})
	front.mustBuy("second", "gig")
	has(t, command(t, 0, append(append([]string{"cluster", "status", "--private", nodes[1].private, "--secret-file", nodes[1].secretFile}, operator...), "-o", "table")...), "superseded")
}
