package main

import (
	"fmt"
	"strings"
	"testing"
)

// Every definition makes sense, and every target has one with a goal.
func TestDefinitions(t *testing.T) {
	seen, goals := map[string]bool{}, map[string]int{}
	for _, d := range definitions {
		if seen[d.id] || d.what == "" {
			t.Errorf("%q is there twice or says nothing", d.id)
		}
		seen[d.id] = true
		if d.goal.kind.isRatio() && d.against == "" {
			t.Errorf("%s: a ratio to nothing", d.id)
		}
		if strings.HasSuffix(d.id, ".selling") != (d.phase == selling) || strings.HasSuffix(d.id, ".soldout") != (d.phase == soldOut) && d.id != "T8.last" {
			t.Errorf("%s has the phase %q", d.id, d.phase)
		}
		if d.goal.kind != noGoal {
			target, _, _ := strings.Cut(d.id, ".")
			goals[target]++
		}
	}
	for i := range 10 {
		if target := fmt.Sprint("T", i+1); goals[target] == 0 {
			t.Errorf("%s has no goal", target)
		}
	}
	if len(goals) != 10 {
		t.Errorf("targets: %v", goals)
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		id       string
		rounds   []round
		verdict  string
		measured string
	}{
		{"T1.selling", []round{{measured: 9e6}, {measured: 11e6}, {measured: 10e6}}, "met", "10M/s"},
		{"T1.selling", []round{{measured: 7.5e6}}, "missed by 25 %", "7.50M/s"},
		{"T6.second.p99", []round{{measured: 50}}, "met", "50 ms"},
		{"T6.second.p99", []round{{measured: 55}}, "missed by 10 %", "55 ms"},
		{"T6.second.p99", []round{{measured: 200}}, "missed: 4 times", "200 ms"},
		{"T9.lost", []round{{measured: 1}}, "missed", "1 orders"},
		{"T9.lost", []round{{measured: 0}}, "met", "0 orders"},
		{"T5.redis-batched.one.soldout", []round{{measured: 12_000, compared: 10_000, ratio: 1.2}, {measured: 10_000, compared: 10_000, ratio: 1}}, "missed by 16 %", "11k/s : 10k/s"},
		{"T2.boltdb.1", []round{{measured: 122, compared: 249, ratio: 2.04}}, "", "122 µs : 249 µs"},
		{"T1.soldout", nil, "failed", "–"},
	} {
		f := figure{id: c.id, rounds: c.rounds}
		if len(c.rounds) == 0 {
			f.err = "nothing was measured"
		}
		if f.verdict() != c.verdict || f.measuredText() != c.measured {
			t.Errorf("%s: %q, %q; want %+v", c.id, f.verdict(), f.measuredText(), c)
		}
	}
}

// A number beside a failed step does not meet a goal.
func TestFailedFigureMeetsNothing(t *testing.T) {
	f := figure{id: "T1.selling", rounds: []round{{measured: 99e6}}, err: "the audit is not clean"}
	if f.verdict() != "failed" {
		t.Errorf("%q", f.verdict())
	}
}

func TestSpell(t *testing.T) {
	for want, got := range map[string]string{
		"12.3M/s": spell(12_345_678, "1/s"), "45.6k/s": spell(45_600, "1/s"), "9,990/s": spell(9990, "1/s"), "882/s": spell(882.4, "1/s"), "1.00M/s": spell(999_600, "1/s"),
		"0.55 µs": spell(0.546, "µs"), "1,024 MiB": spell(1024, "MiB"), "47.2 ms": spell(47.23, "ms"), "0.012": spell(0.0123, ""), "0": spell(0, ""), "-1,234": spell(-1234, ""),
	} {
		if want != got {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
