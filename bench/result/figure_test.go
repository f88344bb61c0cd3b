package result

import (
	"math"
	"strings"
	"testing"
)

// Every definition makes sense, and every target has one with a goal.
func TestDefinitions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range definitions {
		if seen[d.ID] || d.What == "" {
			t.Errorf("%q is there twice or says nothing", d.ID)
		}
		seen[d.ID] = true
		if d.Goal != nil && d.Goal.By == ByRatio && d.Against == "" {
			t.Errorf("%s: a ratio to nothing", d.ID)
		}
		if strings.HasSuffix(d.ID, ".selling") != (d.Phase == selling) || strings.HasSuffix(d.ID, ".soldout") != (d.Phase == soldOut) && d.ID != "T8.last" {
			t.Errorf("%s has the phase %q", d.ID, d.Phase)
		}
	}
	count := 0
	for _, target := range Targets {
		list, goals := DefinitionsOf(target.ID), 0
		for _, d := range list {
			if d.Goal != nil {
				goals++
			}
		}
		count += len(list)
		if goals == 0 {
			t.Errorf("%s has no goal", target.ID)
		}
	}
	if count != len(definitions) {
		t.Errorf("%d of %d definitions belong to a target", count, len(definitions))
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		id       string
		rounds   []Round
		met      bool
		off      float64
		verdict  string
		measured string
	}{
		{"T1.selling", []Round{{Measured: 9e6}, {Measured: 11e6}, {Measured: 10e6}}, true, 0, "met", "10M/s"},
		{"T1.selling", []Round{{Measured: 7.5e6}}, false, -0.25, "missed by 25 %", "7.50M/s"},
		{"T6.second.p99", []Round{{Measured: 250}}, true, 0, "met", "250 ms"},
		{"T6.second.p99", []Round{{Measured: 275}}, false, -0.1, "missed by 10 %", "275 ms"},
		{"T6.second.p99", []Round{{Measured: 1000}}, false, -3, "missed: 4 times", "1,000 ms"},
		{"T9.lost", []Round{{Measured: 1}}, false, 0, "missed", "1 orders"},
		{"T9.lost", []Round{{Measured: 0}}, true, 0, "met", "0 orders"},
		{"T5.redis.one.soldout", []Round{{Measured: 30_000, Compared: 10_000, Ratio: 3}, {Measured: 20_000, Compared: 10_000, Ratio: 2}}, false, -1.0 / 6, "missed by 17 %", "25k/s : 10k/s"},
		{"T2.boltdb.1", []Round{{Measured: 122, Compared: 249, Ratio: 2.04}}, false, 0, "", "122 µs : 249 µs"},
		{"T1.soldout", nil, false, 0, "failed", "–"},
	} {
		f := NewFigure(c.id, c.rounds)
		v := f.Judge()
		if v.Met != c.met || math.Abs(v.Off-c.off) > 1e-9 || f.VerdictText() != c.verdict || f.MeasuredText() != c.measured {
			t.Errorf("%s: %+v, %q, %q; want %+v", c.id, v, f.VerdictText(), f.MeasuredText(), c)
		}
	}
}

// A number beside a failed step does not meet a goal.
func TestFailedFigureMeetsNothing(t *testing.T) {
	f := NewFigure("T1.selling", []Round{{Measured: 99e6}})
	f.Error = "the audit is not clean"
	if v := f.Judge(); v.Met || !v.Judged || f.VerdictText() != "failed" {
		t.Errorf("%+v, %q", v, f.VerdictText())
	}
}

func TestSpell(t *testing.T) {
	for want, got := range map[string]string{
		"12.3M/s": Spell(12_345_678, "1/s"), "45.6k/s": Spell(45_600, "1/s"), "9,990/s": Spell(9990, "1/s"), "882/s": Spell(882.4, "1/s"), "1.00M/s": Spell(999_600, "1/s"),
		"0.55 µs": Spell(0.546, "µs"), "1,024 MiB": Spell(1024, "MiB"), "47.2 ms": Spell(47.23, "ms"), "0.012": Spell(0.0123, ""), "0": Spell(0, ""), "-1,234": Spell(-1234, ""),
	} {
		if want != got {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
