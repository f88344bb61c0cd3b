package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/cluster/membership/preflight"
)

// The night before: one node, no backup, no sale in the future. Then a backup is taken, which is
// remembered over a restart.
func TestPreflight(t *testing.T) {
	o := openOffice(t, func(s *settings) { s.Payment.Provider = providerSandbox })
	o.sell(0, "sale", "create", "arena", "--item", "Concert", "--quantity", "100", "--price", "4900", "--currency", "EUR", "--starts-at", "2030-01-01T20:00:00Z")
	verdicts := func(code int, args ...string) map[string]preflight.Line {
		lines := into[[]preflight.Line](t, o.sell(code, append([]string{"preflight", "arena", "-o", "json"}, args...)...))
		if !slices.IsSortedFunc(lines, func(a, b preflight.Line) int { return strings.Compare(order(a), order(b)) }) {
			t.Errorf("the worst is not first: %+v", lines)
		}
		found := map[string]preflight.Line{}
		for _, l := range lines {
			found[l.Check] = l
		}
		return found
	}
	found := verdicts(1)
	for check, want := range map[string]preflight.Verdict{"sale": preflight.OK, "members": preflight.Fail, "alarms": preflight.OK, "replicas": preflight.OK,
		"builds": preflight.OK, "front-ends": preflight.Warning, "clocks": preflight.OK, "disk": preflight.OK, "memory": preflight.OK, "files": preflight.OK,
		"certificates": preflight.OK, "token": preflight.OK, "backup": preflight.Fail, "provider": preflight.Warning, "webhooks": preflight.Warning} {
		if found[check].Verdict != want {
			t.Errorf("%s: %+v, want %s", check, found[check], want)
		}
	}
	if !strings.Contains(found["provider"].Detail, "sandbox/test/") {
		t.Errorf("%+v", found["provider"])
	}
	if found = verdicts(1, "--requests", "900000000000", "--connections", "5000000"); found["disk"].Verdict != preflight.Fail || found["files"].Verdict != preflight.Fail {
		t.Errorf("%+v, %+v", found["disk"], found["files"])
	}

	o.sell(0, "snapshot", "save", filepath.Join(t.TempDir(), "backup"))
	if found = verdicts(1); found["backup"].Verdict != preflight.OK {
		t.Errorf("%+v", found["backup"])
	}
	text := o.sell(1, "preflight", "arena")
	if !strings.Contains(text, "not ready for the sale: 1 of ") || !strings.Contains(text, "run three voters") {
		t.Error(text)
	}
	o.sell(1, "preflight", "nothing")
	o.sell(2, "preflight", "arena", "--token", "x.y")
	o.close()
	if at := (backupNote{filepath.Join(o.dir, backupName)}).newest(); at == nil {
		t.Error("the backup is forgotten")
	}
}

// order sorts lines by their verdict.
func order(l preflight.Line) string {
	return map[preflight.Verdict]string{preflight.Fail: "1", preflight.Warning: "2", preflight.OK: "3"}[l.Verdict]
}
