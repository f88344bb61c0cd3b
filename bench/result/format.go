package result

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Spell writes a number with its unit, in three digits.
func Spell(v float64, unit string) string {
	switch unit {
	case "1/s":
		return Short(v) + "/s"
	case "":
		return digits(v)
	}
	return digits(v) + " " + unit
}

// Short writes large numbers by thousands and millions.
func Short(v float64) string {
	switch {
	case math.Abs(v) >= 999_500:
		return digits(v/1e6) + "M"
	case math.Abs(v) >= 9_995:
		return digits(v/1e3) + "k"
	}
	return digits(v)
}

// digits writes three significant digits, and all of a whole number.
func digits(v float64) string {
	a := math.Abs(v)
	switch {
	case v == math.Trunc(v) && a < 1e15:
		return grouped(int64(v))
	case a >= 99.95:
		return grouped(int64(math.Round(v)))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.0995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// GoalText is what a figure must come to, "" when nothing.
func (d *Definition) GoalText() string {
	if d.Goal == nil {
		return ""
	}
	sign := "≤ "
	if d.Goal.Least {
		sign = "≥ "
	}
	if d.Goal.By == ByRatio {
		return sign + digits(d.Goal.Value) + " x"
	}
	if d.Goal.Value == 0 {
		return "0"
	}
	return sign + Spell(d.Goal.Value, d.Unit)
}

// MeasuredText is what was measured, with what it is compared with.
func (f *Figure) MeasuredText() string {
	if f.Error != "" && len(f.Rounds) == 0 {
		return "–"
	}
	d, _ := Define(f.ID)
	text := Spell(f.Measured, d.Unit)
	if f.Compared != nil {
		text += " : " + Spell(*f.Compared, d.Unit)
	}
	return text
}

// RatioText is the ratio, "" when there is none.
func (f *Figure) RatioText() string {
	if f.Ratio == nil {
		return ""
	}
	return digits(*f.Ratio) + " x"
}

// SpreadText is the least and the most of the rounds, "" for a single one.
func (f *Figure) SpreadText() string {
	if len(f.Rounds) < 2 {
		return ""
	}
	least, most := f.Spread()
	if f.readByRatio() {
		return digits(least) + " – " + digits(most)
	}
	return Short(least) + " – " + Short(most)
}

// VerdictText says whether the goal is met, and by how much it is not.
func (f *Figure) VerdictText() string {
	v := f.Judge()
	switch {
	case f.Error != "":
		return "failed"
	case !v.Judged:
		return ""
	case v.Met:
		return "met"
	case v.Off == 0:
		return "missed"
	case v.Off <= -1:
		return fmt.Sprintf("missed: %s times", digits(1-v.Off))
	}
	return fmt.Sprintf("missed by %.0f %%", math.Ceil(-v.Off*100))
}

// Line is a figure in one line.
func Line(f *Figure) string {
	d, _ := Define(f.ID)
	words := []string{f.ID + ":", d.What}
	if d.Phase != "" {
		words = append(words, "("+d.Phase+")")
	}
	words = append(words, f.MeasuredText())
	if f.Ratio != nil {
		words = append(words, "= "+f.RatioText())
	}
	if goal := d.GoalText(); goal != "" {
		words = append(words, "["+goal+": "+f.VerdictText()+"]")
	}
	if f.Detail != "" {
		words = append(words, "("+f.Detail+")")
	}
	return strings.Join(words, " ")
}
