package main

import (
	"slices"
	"strings"
	"testing"

	"onsale/bench"
	"onsale/proof/testenv"
)

// A small flood of a real node with a short queue: what it was told adds up, and every
// check is there. How fast this machine is says nothing here.
func TestBenchOverload(t *testing.T) {
	testenv.TakesLong(t, "measures processes")
	t.Setenv(runAsOnsale, "1")
	code, text := attempt("bench", "overload", "--queue", "8", "--sustain-connections", "4", "--connections", "64", "--sustain", "1s", "--over", "1s", "--recover", "1s", "-o", "json")
	r := into[bench.OverloadReport](t, text)
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
	if refused == 0 || refused != r.Overloaded || r.Unadvised != 0 {
		t.Errorf("%d refused, the node counted %d, %d without Retry-After", refused, r.Overloaded, r.Unadvised)
	}
	missed := slices.ContainsFunc(r.Checks, func(c bench.OverloadCheck) bool { return !c.Holds })
	if len(r.Checks) != 9 || missed != (code == 1) || !missed != (code == 0) {
		t.Errorf("exit code %d with %+v", code, r.Checks)
	}
	for _, c := range r.Checks {
		if held := strings.HasPrefix(c.What, "tickets"); held && !c.Holds {
			t.Errorf("%+v", c)
		}
	}
	has(t, command(t, 2, "bench", "overload", "--queue", "64", "--connections", "64", "--sustain-connections", "4"), "cannot fill a queue of 64")
	has(t, command(t, 2, "bench", "overload", "--disk-delay", "10ms"), "only in a program with failpoints")
	has(t, command(t, 2, "bench", "overload", "--disk-delay", "11s"), "allowed is 0 to 10s")
	has(t, command(t, 2, "bench", "overload", "--factor", "1"), "1 times the sustained rate")
	has(t, command(t, 2, "bench", "overload", "--sustain-connections", "600"), "which would refuse them")
}
