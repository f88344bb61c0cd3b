package threshold

import (
	"fmt"
	"math"
	"strconv"
)

// Measured is what a phase came to, as far as thresholds ask. Times are in seconds.
type Measured interface {
	Percentile(percent float64) float64
	Mean() float64
	Max() float64
	Decided() uint64
	Failed() uint64
	Rate() float64 // decisions a second
}

// Verdict is a threshold held against one phase.
type Verdict struct {
	Threshold string `json:"threshold"`
	Phase     Phase  `json:"phase"`
	Met       bool   `json:"met"`
	Value     string `json:"value"` // what was measured, or why there is nothing
}

// Judge holds a threshold against the phases. A phase without any request is not judged,
// unless the threshold names it or there is no other: nothing is met by not having been
// measured.
func (t Threshold) Judge(phases map[Phase]Measured) []Verdict {
	var verdicts []Verdict
	for _, phase := range [...]Phase{Selling, SoldOut} {
		m, there := phases[phase]
		there = there && m.Decided()+m.Failed() > 0
		if t.Phase == phase || t.Phase == Each && there {
			verdicts = append(verdicts, t.judge(phase, m, there))
		}
	}
	if len(verdicts) == 0 {
		verdicts = append(verdicts, Verdict{Threshold: t.String(), Phase: t.Phase, Value: "no request"})
	}
	return verdicts
}

func (t Threshold) judge(phase Phase, m Measured, there bool) Verdict {
	v := Verdict{Threshold: t.String(), Phase: phase}
	if !there {
		v.Value = "no request"
		return v
	}
	value := t.value(m)
	if math.IsNaN(value) {
		v.Value = "no decision"
		return v
	}
	v.Met, v.Value = t.holds(value), t.show(value)
	return v
}

// value is not a number for the latency of nobody.
func (t Threshold) value(m Measured) float64 {
	switch t.Metric {
	case Errors:
		if t.Share {
			return float64(m.Failed()) / float64(m.Decided()+m.Failed())
		}
		return float64(m.Failed())
	case Rate:
		return m.Rate()
	case Requests:
		return float64(m.Decided())
	}
	if m.Decided() == 0 {
		return math.NaN()
	}
	switch t.Metric {
	case Mean:
		return m.Mean()
	case Max:
		return m.Max()
	}
	return m.Percentile(t.Percent)
}

func (t Threshold) holds(value float64) bool {
	switch t.Op {
	case Less:
		return value < t.Bound
	case AtMost:
		return value <= t.Bound
	case More:
		return value > t.Bound
	}
	return value >= t.Bound
}

// show writes a measured value as people read it.
func (t Threshold) show(value float64) string {
	if t.Metric == Rate {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return t.spell(value)
}

// Judge holds all thresholds against the phases.
func Judge(all []Threshold, phases map[Phase]Measured) []Verdict {
	var verdicts []Verdict
	for _, t := range all {
		verdicts = append(verdicts, t.Judge(phases)...)
	}
	return verdicts
}

// Missed returns ErrMissed with every threshold that was not met, nil when all were.
func Missed(verdicts []Verdict) error {
	var text string
	for _, v := range verdicts {
		if !v.Met {
			text += fmt.Sprintf("; %s: %s%s", v.Threshold, v.Value, v.Phase.during())
		}
	}
	if text == "" {
		return nil
	}
	return fmt.Errorf("%w%s", ErrMissed, text)
}

func (p Phase) during() string {
	switch p {
	case Selling:
		return " while selling"
	case SoldOut:
		return " when sold out"
	}
	return ""
}
