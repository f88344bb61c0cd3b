package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsale/api/contract"
	"onsale/bench"
	"onsale/proof/testenv"
)

// Both loops against a real node: everybody is decided once, selling and sold out are told
// apart, and every format is written.
func TestBenchLoad(t *testing.T) {
	testenv.TakesLong(t, "a load runs for its time")
	o := openOffice(t)
	defer o.close()
	o.sell(0, "sale", "create", "gig", "--price", "0", "--quantity", "300", "--test")
	secret := filepath.Join(o.dir, "token-secret")
	load := func(code int, args ...string) string {
		return command(t, code, append([]string{"bench", "load", "--http", o.server.publicListener.Addr().String(), "--secret-file", secret, "--sale", "gig", "--connections", "8",
			"--warm-up", "0s", "--timeout", "30s", "--retry-max", "30s", "--duration", "1m"}, args...)...)
	}
	r := into[bench.LoadReport](t, load(0, "--requests", "900", "-o", "json"))
	told := r.Selling.Outcomes["reserved"] + r.SoldOut.Outcomes["reserved"]
	if r.Loop != "closed" || told != 300 || r.SoldOut.Outcomes["sold_out"] != 600 || r.Selling.Outcomes["sold_out"] != 0 || r.Selling.Requests+r.SoldOut.Requests != 900 ||
		r.Selling.Failed+r.SoldOut.Failed != 0 || r.SentBytes < 900*300 || r.ReceivedBytesPerSecond <= 0 {
		t.Errorf("%+v", r)
	}

	r = into[bench.LoadReport](t, load(0, "--rate", "1000", "--requests", "200", "-o", "json"))
	if r.Loop != "open" || r.SoldOut.Requests != 200 || r.Selling.Requests != 0 || r.SoldOut.Outcomes["sold_out"] != 200 || r.LagMillis == nil {
		t.Errorf("%+v", r)
	}

	o.sell(0, "sale", "create", "arena", "--price", "0", "--quantity", "9")
	has(t, command(t, 3, "bench", "load", "--http", o.server.publicListener.Addr().String(), "--secret-file", secret, "--sale", "arena", "--requests", "5"), "the sale is no test: arena at ")
	if sale := into[contract.SaleDetail](t, o.sell(0, "sale", "show", "arena", "-o", "json")); sale.Available != 9 || sale.Buys["ok"]+sale.Buys["sold_out"] != 0 {
		t.Errorf("%+v", sale)
	}
}

// What cannot be a load is said before anything is sent.
func TestBenchLoadRefuses(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	nobody := freeAddress(t)
	for what, args := range map[string][]string{
		"0 addresses":                 {},
		"0 connections":               {"--http", nobody, "--connections", "0"},
		"-1 arrivals":                 {"--http", nobody, "--rate", "-1"},
		"leaves nothing to count":     {"--http", nobody, "--duration", "1s", "--warm-up", "1s"},
		"a duration of 25h":           {"--http", nobody, "--duration", "25h"},
		"quantity is 0":               {"--http", nobody, "--quantity", "0"},
		"a time-out of 0s":            {"--http", nobody, "--timeout", "0s"},
		"no such file":                {"--http", nobody, "--secret-file", filepath.Join(t.TempDir(), "none")},
		"invalid argument \"many\" f": {"--http", nobody, "--requests", "many"},
	} {
		code := 2
		if what == "no such file" {
			code = 1
		}
		has(t, command(t, code, append([]string{"bench", "load", "--secret-file", secret}, args...)...), what)
	}
	has(t, command(t, 0, "bench", "load", "--secret-file", secret, "--http", nobody, "--requests", "5", "--duration", "10s", "--warm-up", "0s", "--connections", "1"),
		"connection refused 5")
}
