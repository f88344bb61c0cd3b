package result

import "testing"

// one returns a document with one figure of these rounds.
func one(id string, rounds ...float64) *Document {
	var list []Round
	for _, r := range rounds {
		list = append(list, Round{Measured: r})
	}
	return &Document{Steps: []Step{{ID: "step", Outcome: Outcome{Figures: []Figure{NewFigure(id, list)}}}}}
}

func TestDiff(t *testing.T) {
	const faster, shorter = "T1.selling", "T6.second.p99"
	for _, c := range []struct {
		name          string
		before, after *Document
		verdict       string
		regression    bool
	}{
		{"equal", one(faster, 10, 11, 12), one(faster, 10, 11, 12), ChangeNone, false},
		{"rounds overlap", one(faster, 8, 10, 12), one(faster, 7, 9, 11), ChangeNone, false},
		{"slower", one(faster, 10, 11, 12), one(faster, 5, 6, 7), ChangeWorse, true},
		{"slower, but by less than is allowed", one(faster, 99, 100, 101), one(faster, 93, 94, 95), ChangeWorse, false},
		{"faster", one(faster, 5, 6, 7), one(faster, 10, 11, 12), ChangeBetter, false},
		{"later", one(shorter, 5, 6, 7), one(shorter, 10, 11, 12), ChangeWorse, true},
		{"earlier", one(shorter, 10, 11, 12), one(shorter, 5, 6, 7), ChangeBetter, false},
		{"one round, a little", one(faster, 100), one(faster, 95), ChangeNone, false},
		{"one round, much", one(faster, 100), one(faster, 80), ChangeWorse, true},
		{"from nothing to something bad", one("T9.lost", 0), one("T9.lost", 1), ChangeWorse, true},
		{"from something bad to nothing", one("T9.lost", 1), one("T9.lost", 0), ChangeBetter, false},
		{"there is none any more", one(faster, 1), one(faster), ChangeFailed, true},
		{"there was none", one(faster), one(faster, 1), ChangeNew, false},
		{"nobody measured it", one(faster, 1), one(shorter, 1), ChangeGone, false},
	} {
		changes := Diff(c.before, c.after, 0.1)
		if len(changes) == 0 || changes[0].Verdict != c.verdict || changes[0].Regression != c.regression {
			t.Errorf("%s: %+v", c.name, changes)
		}
	}
}

func TestIncomparable(t *testing.T) {
	a, b := fixture(t, "before"), fixture(t, "after")
	if why := Incomparable(a, b); why != "" {
		t.Error(why)
	}
	b.Machine.Cores, b.Profile = 64, "quick"
	if why := Incomparable(a, b); why != "profile: full and quick; cores: 2 and 64" {
		t.Error(why)
	}
}
