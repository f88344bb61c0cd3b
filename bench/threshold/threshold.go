// Package threshold reads what a run must hold, such as p99<250ms or errors<0.1%, and
// holds it against what was measured. Selling and sold out are judged apart: a threshold
// is of one of them, or holds in each that had any requests.
package threshold

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrSyntax is returned when a text is not a threshold.
	ErrSyntax = errors.New("not a threshold")
	// ErrMissed is returned when a run did not hold what it must.
	ErrMissed = errors.New("a threshold was not met")
)

// Phase is a part of a run.
type Phase string

const (
	// Each stands for every phase that had requests.
	Each    Phase = ""
	Selling Phase = "selling"
	SoldOut Phase = "sold_out"
)

// Metric is what is measured.
type Metric string

const (
	Percentile Metric = "p" // with a number behind it
	Mean       Metric = "mean"
	Max        Metric = "max"
	Errors     Metric = "errors"   // a share of all requests, or how many
	Rate       Metric = "rate"     // decisions a second
	Requests   Metric = "requests" // decided ones
)

// Operator compares what was measured with the bound.
type Operator string

const (
	Less    Operator = "<"
	AtMost  Operator = "<="
	More    Operator = ">"
	AtLeast Operator = ">="
)

// Threshold is one condition: [phase.]metric operator bound.
type Threshold struct {
	Phase  Phase
	Metric Metric
	// Percent is the percentile's, above 0 and at most 100.
	Percent float64
	Op      Operator
	// Bound is a latency in seconds, a share (0.001 is 0.1 %), or a number.
	Bound float64
	// Share says that Bound is a share of all requests.
	Share bool
}

// Help says how thresholds are written.
const Help = "[selling.|sold_out.]METRIC OPERATOR BOUND; metrics are pN (p50, p99.9, …), mean, max with a time (250ms), errors with a percentage (0.1%) or a number, rate and requests with a number; operators are <, <=, >, >="

// Parse reads a threshold. It returns ErrSyntax; the message says what is wrong and how
// thresholds are written.
func Parse(text string) (Threshold, error) {
	t, err := parse(text)
	if err != nil {
		return Threshold{}, fmt.Errorf("%w: %q: %w; write %s", ErrSyntax, text, err, Help)
	}
	return t, nil
}

func parse(text string) (t Threshold, err error) {
	at := strings.IndexAny(text, "<>")
	if at < 0 {
		return t, errors.New("it has no <, <=, > or >=")
	}
	left, right := strings.TrimSpace(text[:at]), text[at:]
	t.Op = Operator(right[:1])
	if strings.HasPrefix(right[1:], "=") {
		t.Op = Operator(right[:2])
	}
	if t.Phase, left, err = cutPhase(left); err != nil {
		return t, err
	}
	if t.Metric, t.Percent, err = parseMetric(left); err != nil {
		return t, err
	}
	t.Bound, t.Share, err = parseBound(t.Metric, strings.TrimSpace(right[len(t.Op):]))
	return t, err
}

func cutPhase(left string) (Phase, string, error) {
	before, after, found := strings.Cut(left, ".")
	if !found || after != "" && after[0] >= '0' && after[0] <= '9' {
		return Each, left, nil // the point of a number, as in p99.9
	}
	switch phase := Phase(before); phase {
	case Selling, SoldOut:
		return phase, after, nil
	}
	return Each, "", fmt.Errorf("%q is neither selling nor sold_out", before)
}

func parseMetric(name string) (Metric, float64, error) {
	switch m := Metric(name); m {
	case Mean, Max, Errors, Rate, Requests:
		return m, 0, nil
	}
	digits, found := strings.CutPrefix(name, string(Percentile))
	if !found || digits == "" {
		return "", 0, fmt.Errorf("%q is no metric", name)
	}
	percent, err := parseNumber(digits)
	if err != nil || percent <= 0 || percent > 100 {
		return "", 0, fmt.Errorf("%q is no percentile; they go from above 0 to 100", name)
	}
	return Percentile, percent, nil
}

func parseBound(m Metric, text string) (bound float64, share bool, err error) {
	switch m {
	case Percentile, Mean, Max:
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 || strings.HasPrefix(text, "+") {
			return 0, false, fmt.Errorf("%q is no time above zero, such as 250ms or 1.5s", text)
		}
		return d.Seconds(), false, nil
	}
	digits, share := strings.CutSuffix(text, "%")
	if share && m != Errors {
		return 0, false, fmt.Errorf("%s is no share, and %q is", m, text)
	}
	if bound, err = parseNumber(digits); err != nil {
		return 0, false, err
	}
	if share {
		if bound > 100 {
			return 0, false, fmt.Errorf("%q is more than all", text)
		}
		bound /= 100
	}
	return bound, share, nil
}

// digitsMax keeps numbers within what a float64 holds exactly enough.
const digitsMax = 18

// parseNumber reads digits with at most one point between them.
func parseNumber(text string) (float64, error) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > digitsMax || strings.Trim(text, "0123456789.") != "" || text[0] == '.' || text[len(text)-1] == '.' {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return number, nil
}

// String writes a threshold so that Parse reads the same again.
func (t Threshold) String() string {
	var text strings.Builder
	if t.Phase != Each {
		text.WriteString(string(t.Phase) + ".")
	}
	text.WriteString(t.metric())
	text.WriteString(string(t.Op))
	text.WriteString(t.spell(t.Bound))
	return text.String()
}

func (t Threshold) metric() string {
	if t.Metric == Percentile {
		return "p" + strconv.FormatFloat(t.Percent, 'f', -1, 64)
	}
	return string(t.Metric)
}

// spell writes a value of the threshold's metric.
func (t Threshold) spell(value float64) string {
	switch {
	case t.Metric == Percentile || t.Metric == Mean || t.Metric == Max:
		return time.Duration(value*1e9 + 0.5).String()
	case t.Share:
		return strconv.FormatFloat(value*100, 'g', 6, 64) + "%"
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
