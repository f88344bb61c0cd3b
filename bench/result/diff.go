package result

import (
	"fmt"
	"math"
	"strings"
)

// What became of a figure from one document to another.
const (
	ChangeBetter = "better"
	ChangeWorse  = "worse"
	ChangeNone   = "within the rounds"
	ChangeFailed = "failed"  // there was a number, and now there is none
	ChangeNew    = "new"     // there was none
	ChangeGone   = "missing" // nobody measured it
)

// Change is a figure in two documents. What is compared is what its goal is about: the
// ratio, or what was measured.
type Change struct {
	ID     string   `json:"id"`
	What   string   `json:"what"`
	Phase  string   `json:"phase,omitempty"`
	Unit   string   `json:"unit"` // "x" for ratios
	Before *float64 `json:"before"`
	After  *float64 `json:"after"`
	// The least and the most of the rounds; empty for a single one.
	BeforeRounds []float64 `json:"before_rounds,omitempty"`
	AfterRounds  []float64 `json:"after_rounds,omitempty"`
	// Percent is nil where there was 0 or no number.
	Percent *float64 `json:"percent"`
	Verdict string   `json:"verdict"`
	// Regression says that the figure is worse by more than was allowed.
	Regression bool `json:"regression"`
}

// Diff compares documents figure by figure. A change counts when each median lies
// outside the other's rounds; a figure of a single round has no spread, so that its
// change counts when it is more than allowed. Allowed is a part: 0.1 is 10 %.
func Diff(before, after *Document, allowed float64) []Change {
	var changes []Change
	for i := range definitions {
		d, _ := Define(definitions[i].ID)
		a, b := before.number(d.ID), after.number(d.ID)
		if a == nil && b == nil {
			continue
		}
		c := Change{ID: d.ID, What: d.What, Phase: d.Phase, Unit: d.Unit}
		if a != nil && a.readByRatio() || a == nil && b.readByRatio() {
			c.Unit = "x"
		}
		c.fill(a, b)
		c.judge(&d, after, allowed)
		changes = append(changes, c)
	}
	return changes
}

// number returns a figure that has one.
func (d *Document) number(id string) *Figure {
	f, found := d.Find(id)
	if !found || f.Error != "" {
		return nil
	}
	return f
}

func (c *Change) fill(a, b *Figure) {
	for _, side := range []struct {
		figure *Figure
		number **float64
		rounds *[]float64
	}{{a, &c.Before, &c.BeforeRounds}, {b, &c.After, &c.AfterRounds}} {
		if side.figure == nil {
			continue
		}
		number := side.figure.Number()
		*side.number = &number
		if len(side.figure.Rounds) > 1 {
			least, most := side.figure.Spread()
			*side.rounds = []float64{least, most}
		}
	}
}

func (c *Change) judge(d *Definition, after *Document, allowed float64) {
	switch {
	case c.Before == nil:
		c.Verdict = ChangeNew
		return
	case c.After == nil:
		c.Verdict = ChangeGone
		if _, owed := after.Find(c.ID); owed {
			c.Verdict, c.Regression = ChangeFailed, true
		}
		return
	}
	change := math.Inf(1) // from nothing to something
	if *c.Before != 0 {
		change = (*c.After - *c.Before) / math.Abs(*c.Before)
		percent := 100 * change
		c.Percent = &percent
	}
	if *c.After == *c.Before || !c.counts(math.Abs(change), allowed) {
		c.Verdict = ChangeNone
		return
	}
	c.Verdict = ChangeWorse
	if (*c.After > *c.Before) == d.HigherIsBetter {
		c.Verdict = ChangeBetter
	}
	c.Regression = c.Verdict == ChangeWorse && math.Abs(change) > allowed
}

func (c *Change) counts(change, allowed float64) bool {
	if len(c.BeforeRounds) == 0 || len(c.AfterRounds) == 0 {
		return change > allowed
	}
	return outside(*c.After, c.BeforeRounds) && outside(*c.Before, c.AfterRounds)
}

func outside(v float64, rounds []float64) bool { return v < rounds[0] || v > rounds[1] }

// Incomparable says in what two documents differ that makes their absolute numbers
// another matter; "" when in nothing.
func Incomparable(a, b *Document) string {
	var why []string
	for _, pair := range [][3]string{
		{"processor", a.Machine.CPU, b.Machine.CPU}, {"kernel", a.Machine.Kernel, b.Machine.Kernel},
		{"file system", a.Machine.FileSystem, b.Machine.FileSystem}, {"Go", a.Machine.Go, b.Machine.Go}, {"profile", a.Profile, b.Profile},
		{"cores", digits(float64(a.Machine.Cores)), digits(float64(b.Machine.Cores))},
	} {
		if pair[1] != pair[2] {
			why = append(why, pair[0]+": "+pair[1]+" and "+pair[2])
		}
	}
	return strings.Join(why, "; ")
}

// PercentText spells a change with its sign, "" where there is none to spell.
func (c *Change) PercentText() string {
	if c.Percent == nil {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", *c.Percent)
}
