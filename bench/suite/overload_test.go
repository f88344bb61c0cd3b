package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onsale/bench"
	"onsale/proof/testenv"
)

// overload runs the command with a program that was built for it.
func overload(t *testing.T, program string, args ...string) (*bench.OverloadReport, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(append([]string{"overload", "--program", program, "--data-parent", t.TempDir()}, args...))
	root.SetOut(&out)
	root.SetErr(t.Output())
	failure := root.ExecuteContext(t.Context())
	r := &bench.OverloadReport{}
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), r); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
	return r, failure
}

func builtProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "onsale")
	if output, err := exec.Command("go", "build", "-o", path, "../../cmd/onsale").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return path
}

// A small flood of a real node with a short queue: what it was told adds up, and every
// check is there. How fast this machine is says nothing here.
func TestOverload(t *testing.T) {
	testenv.TakesLong(t, "floods real nodes for seconds")
	small := []string{"--queue", "8", "--sustain-connections", "4", "--connections", "64", "--sustain", "1s", "--over", "1s", "--recover", "1s", "--honest", "20"}
	program := builtProgram(t)
	r, err := overload(t, program, small...)
	if r.Told != r.Held || r.Accepted == 0 || r.Held < r.Accepted || len(r.Unanswered) != 0 {
		t.Errorf("told of %d tickets, held are %d, accepted %d, unanswered %v", r.Told, r.Held, r.Accepted, r.Unanswered)
	}
	refused := uint64(0)
	for why, n := range r.Refused {
		if why != "503 overloaded" {
			t.Errorf("%d refused by %q", n, why)
		}
		refused += n
	}
	if refused == 0 || refused+r.Honest.Retries != r.Overloaded || r.Unadvised != 0 {
		t.Errorf("%d refused and %d retries, the node counted %d, %d without Retry-After", refused, r.Honest.Retries, r.Overloaded, r.Unadvised)
	}
	if r.Honest.Outcomes["reserved"] != 20 || r.Honest.Failed != 0 {
		t.Errorf("honest: %+v", r.Honest)
	}
	missed := slices.ContainsFunc(r.Checks, func(c bench.OverloadCheck) bool { return !c.Holds })
	if len(r.Checks) != 10 || missed != (err != nil) {
		t.Errorf("%v with %+v", err, r.Checks)
	}
	for _, c := range r.Checks {
		if held := strings.HasPrefix(c.What, "tickets"); held && !c.Holds {
			t.Errorf("%+v", c)
		}
	}

	// Bots have their caps' worth and no more, whatever they send; a limit refuses them.
	r, _ = overload(t, program, append(small, "--bots", "5", "--user-requests-per-second", "5", "--tickets", "100")...)
	if r.Tickets > 10 || r.Refused["429 throttled"] == 0 || r.Honest.Outcomes["reserved"] != 20 || r.Told != r.Held {
		t.Errorf("bots were told of %d tickets, refused %v; honest %+v; %d told, %d held", r.Tickets, r.Refused, r.Honest, r.Told, r.Held)
	}
}

func TestOverloadRefuses(t *testing.T) {
	for what, args := range map[string][]string{
		"cannot fill a queue of 64":         {"--queue", "64", "--connections", "64", "--sustain-connections", "4"},
		"only in a program with failpoints": {"--disk-delay", "10ms"},
		"allowed is 0 to 10s":               {"--disk-delay", "11s"},
		"1 times the sustained rate":        {"--factor", "1"},
		"which would refuse them":           {"--sustain-connections", "600"},
		"0 tickets":                         {"--tickets", "0"},
	} {
		if _, err := overload(t, "/nonexistent/onsale", args...); !errors.Is(err, bench.ErrOptions) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
