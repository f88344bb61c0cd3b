package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/api/auth"
	"onsale/api/contract"
	"onsale/internal/auditlog"
	"onsale/proof/testenv"
)

// auditLines reads a process' audit log.
func auditLines(t testing.TB, path string) (all []auditlog.Entry) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var e auditlog.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, e)
	}
	return all
}

// hasLine waits until a log says of a verb and its target what became of it, and returns that.
func hasLine(t testing.TB, path, verb, target, outcome string) (found auditlog.Entry) {
	t.Helper()
	testenv.Eventually(t, time.Minute, verb+" of "+target+" "+outcome, func() bool {
		lines := auditLines(t, path)
		at := slices.IndexFunc(lines, func(e auditlog.Entry) bool { return e.Verb == verb && e.Target == target && e.Outcome == outcome })
		if at >= 0 {
			found = lines[at]
		}
		return at >= 0
	})
	return found
}

// On a full disk a verb is refused and not done, pause goes on, and the alarm says so until the
// log is written again.
func TestAuditLogOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	o := openOffice(t, func(s *settings) { s.AuditLog = path })
	defer o.close()
	has(t, o.sell(1, "sale", "create", "gig", "--price", "0", "--quantity", "3"), "audit-log-failed")
	has(t, o.sell(0, "cluster", "status", "-o", "json"), "audit-log", "cannot write its audit log", "no space left")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "3") // opened anew after the failure
	if status := o.sell(0, "cluster", "status", "-o", "json"); strings.Contains(status, "cannot write its audit log") {
		t.Error("the alarm has not ended")
	}

	if err := os.Remove(path); err != nil { // and full again
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	if err := o.server.audit.Reopen(); err != nil {
		t.Fatal(err)
	}
	o.sell(0, "sale", "pause", "gig")
	has(t, o.sell(1, "sale", "resume", "gig"), "audit-log-failed")
	if sale := into[contract.SaleDetail](t, o.sell(0, "sale", "show", "gig", "-o", "json")); sale.Status != "paused" {
		t.Errorf("the sale is %s", sale.Status)
	}
}

// Whose change it was is told wherever it is asked, before and after a fail-over, and each
// process has a log of what it was asked: a follower, a leader that hands over, a front-end.
func TestWhoDidIt(t *testing.T) {
	testenv.TakesLong(t, "a cluster of processes")
	t.Parallel()
	nodes := newNodes(t, 3)
	front := newFrontEnds(t, 1, nodes)[0]
	log := func(n *testNode) string { return filepath.Join(filepath.Dir(nodes[0].secretFile), n.id+".audit") }
	for _, n := range append(slices.Clone(nodes), front) {
		n.extra = append(n.extra, "--audit-log", log(n))
		n.start()
	}
	leader := leaderAmong(t, nodes)
	openGig(t, leader, 10)
	follower := nodes[(slices.Index(nodes, leader)+1)%3]
	secret, err := os.ReadFile(leader.secretFile)
	if err != nil {
		t.Fatal(err)
	}
	as := func(n *testNode, who string, args ...string) []string {
		token, err := issue(bytes.TrimSpace(secret), who, auth.RoleSeller|auth.RoleOperator, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return append(args, "--private", n.private, "--token", token)
	}
	sell := func(n *testNode, who string, args ...string) string { return command(t, 0, as(n, who, args...)...) }
	sell(follower, "ann", "sale", "pause", "gig")
	if line := hasLine(t, log(follower), "POST /v1/sales/{id}/pause", "gig", "ok"); line.Actor != "ann" || line.Node != follower.id || line.After["status"] != "paused" {
		t.Errorf("%+v", line)
	}
	testenv.Eventually(t, time.Minute, "a transfer", func() bool { // who should take over may not be ready for it
		code, _ := attempt(as(leader, "otto", "cluster", "transfer", follower.id)...)
		return code == 0
	})
	if line := hasLine(t, log(leader), "POST /v1/cluster/transfer", follower.id, "ok"); line.Actor != "otto" {
		t.Errorf("%+v", line)
	}
	leader.kill()
	next := leaderAmong(t, slices.DeleteFunc(slices.Clone(nodes), func(n *testNode) bool { return n == leader }))
	if sale := into[contract.SaleDetail](t, sell(next, "sue", "sale", "show", "gig", "-o", "json")); sale.ChangedBy != "ann" || sale.Status != "paused" {
		t.Errorf("after the fail-over: %+v", sale)
	}
	sell(next, "bob", "sale", "resume", "gig")
	has(t, sell(next, "sue", "sale", "history", "gig", "-o", "csv"), ",sale_pause,ann,status open -> paused\n", ",sale_resume,bob,status paused -> open\n")

	answer, err := http.Get("http://" + front.private + "/v1/node")
	if err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Fatalf("%v, %v", answer, err)
	}
	_ = answer.Body.Close()
	if line := hasLine(t, log(front), "GET /v1/node", "", "unauthorized"); line.Node != front.id || line.From != "127.0.0.1" {
		t.Errorf("%+v", line)
	}
	front.hangUp("settings were read again")
	hasLine(t, log(front), "reload", "settings", "ok")
}
