package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsale/api/client"
	"onsale/proof/testenv"
)

// buildPlanted builds the program with another text in one file of the module.
func buildPlanted(t *testing.T, file, from, to string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), from) != 1 {
		t.Fatalf("%s: %v; %q is in it %d times", path, err, from, strings.Count(string(text), from))
	}
	changed, overlay := filepath.Join(t.TempDir(), "changed.go"), filepath.Join(t.TempDir(), "overlay.json")
	plan, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{changed: []byte(strings.Replace(string(text), from, to, 1)), overlay: plan} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return buildProgram(t, "-overlay", overlay)
}

// One of three nodes runs a program that allows a ticket too many. It stops with both
// hashes and exit code 8, again at its next start, and nobody else does. It is repaired
// by the command that it named, with the right program.
func TestDivergedNodeStops(t *testing.T) {
	t.Parallel()
	testenv.TakesLong(t, "a cluster of processes")
	nodes := newNodes(t, 3)
	wrong := nodes[2]
	wrong.program = buildPlanted(t, "sequencer/buy.go", "int(c.Quantity)+live > int(sale.spec.Cap):", "int(c.Quantity)+live > int(sale.spec.Cap)+1:")
	for _, n := range nodes {
		n.extra = []string{"--stable-time", "500ms"}
	}
	nodes[0].start()
	nodes[1].start()
	wrong.start()
	leader := leaderAmong(t, nodes)
	openGig(t, leader, 1<<20)
	if leader == wrong { // else its buyers would be told what is wrong until it stops
		testenv.Eventually(t, time.Minute, "n1 leads", func() bool {
			_, _ = wrong.try("transfer", nodes[0].id) // it may not be ready for it yet
			s, err := nodes[0].status()
			return err == nil && s.Role == "leader"
		})
		leader = leaderAmong(t, nodes[:1])
	}
	told := map[string]string{}
	for i := range 600 { // more than two checks
		user := fmt.Sprint("user-", i)
		told[user] = leader.mustBuy(user, "gig").Order
		if i == 50 {
			d, err := leader.buyAgain(user, client.Purchase{Quantity: 2, Sale: "gig", Key: "one too many"})
			if err != nil || d.Reason != "cap_exceeded" {
				t.Fatalf("%+v, %v", d, err)
			}
		}
	}
	if code := wrong.ended(); code != 8 {
		t.Fatalf("exit code %d\n%s", code, wrong.log())
	}
	for _, part := range []string{"decided otherwise than a majority", "of the journal it has hash", "onsale cluster repair --data-dir " + wrong.dir} {
		has(t, wrong.log(), part)
	}
	wrong.start()
	if code := wrong.ended(); code != 8 {
		t.Fatalf("exit code of the next start %d\n%s", code, wrong.log())
	}
	has(t, command(t, 0, "cluster", "repair", "--data-dir", wrong.dir, "--node-id", wrong.id, "--private", leader.private, "--secret-file", leader.secretFile, "--yes"), "start it as before")
	wrong.program = ""
	wrong.start()
	testenv.Eventually(t, time.Minute, "the vote of the repaired node", func() bool { return leader.shows(wrong.id+",voter", "status") && wrong.ready() })
	mustBeSame(t, nodes)
	mustHold(t, leader, told)
	for _, n := range nodes {
		n.stop()
		mustAudit(t, n)
	}
}
