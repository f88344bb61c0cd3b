package main

import (
	"testing"

	"onsale/bench"
	"onsale/proof/testenv"
)

// A small attack on real nodes: limits refuse, the gate keeps the bots out, and no cap is
// broken in any run.
func TestBenchBots(t *testing.T) {
	testenv.TakesLong(t, "measures processes")
	t.Setenv(runAsOnsale, "1")
	r := into[bench.BotsReport](t, command(t, 0, "bench", "bots", "--rounds", "1", "--bots", "20", "--requests", "3000", "--connections", "16", "--addresses", "300",
		"--networks", "30", "--buyers", "100", "--over", "500ms", "--tickets", "120", "--challenge-bits", "8", "-o", "json"))
	if len(r.Runs) != 4 {
		t.Fatalf("%d runs", len(r.Runs))
	}
	for _, run := range r.Runs {
		told := uint64(0)
		for _, n := range run.Honest {
			told += n
		}
		if run.OverCap != 0 || run.Audit.Verdict != "clean" || told != 100 || run.HonestTickets != run.Honest["reserved"] || run.BotTickets != 2*run.Bots["reserved"] {
			t.Errorf("%+v", run)
		}
		refused := run.Bots["429 throttled"]
		switch run.Mode {
		case "no bots":
			if len(run.Bots) > 0 || run.HonestTickets != 100 {
				t.Errorf("%+v", run)
			}
		case "no limits":
			if refused != 0 || run.Decided < 3000 {
				t.Errorf("%+v", run)
			}
		case "limits":
			if refused == 0 || run.Throttled["user"] != refused+run.Retries {
				t.Errorf("%+v", run)
			}
		default:
			if run.BotTickets != 0 || run.Bots["403 challenge-required"] == 0 {
				t.Errorf("%+v", run)
			}
		}
	}
	has(t, command(t, 2, "bench", "bots", "--networks", "0"), "0 networks")
}
