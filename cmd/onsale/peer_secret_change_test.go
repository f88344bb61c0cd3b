package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"onsale/proof/testenv"
	"onsale/raftfsm/peer"
)

// A running cluster gets another peer secret, process by process, and is a cluster at every step:
// first the new one above the old one, then the new one alone. From no secret to one it goes in the
// same way, by the word none.
func TestPeerSecretIsChanged(t *testing.T) {
	testenv.TakesLong(t, "restarts a cluster of processes twice")
	t.Parallel()
	nodes := newNodes(t, 3)
	fresh := strings.Repeat("new", peer.SecretBytesMin)
	before, err := os.ReadFile(nodes[0].peerSecretFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		n.start()
	}
	openGig(t, leaderAmong(t, nodes), 100)
	front := newFrontEnds(t, 1, nodes)[0]
	front.start()
	testenv.Eventually(t, time.Minute, "a ready front-end", front.ready)

	for step, text := range []string{fresh + "\n" + string(before), fresh, fresh + "\n" + noProof} {
		if err := os.WriteFile(nodes[0].peerSecretFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, n := range append(nodes[:3:3], front) {
			n.stop()
			n.start()
			testenv.Eventually(t, time.Minute, n.id+" is ready again", n.ready)
			testenv.Eventually(t, time.Minute, "all members are well", func() bool {
				code, _ := nodes[0].try("health")
				return code == 0
			})
		}
		front.mustBuy("buyer-"+string(rune('a'+step)), "gig")
	}
	nodes[0].logs("peers are let in without a secret")
	for _, n := range append(nodes, front) {
		n.stop()
	}
}
