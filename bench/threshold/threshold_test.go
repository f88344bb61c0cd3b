package threshold

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Threshold{
		"p99<250ms":               {Metric: Percentile, Percent: 99, Op: Less, Bound: 0.25},
		"selling.p99.9<=1.5s":     {Phase: Selling, Metric: Percentile, Percent: 99.9, Op: AtMost, Bound: 1.5},
		" sold_out.max < 2s ":     {Phase: SoldOut, Metric: Max, Op: Less, Bound: 2},
		"mean<800us":              {Metric: Mean, Op: Less, Bound: 0.0008},
		"errors<0.1%":             {Metric: Errors, Op: Less, Bound: 0.001, Share: true},
		"errors<=0":               {Metric: Errors, Op: AtMost},
		"rate>50000":              {Metric: Rate, Op: More, Bound: 50000},
		"sold_out.requests>=1000": {Phase: SoldOut, Metric: Requests, Op: AtLeast, Bound: 1000},
		"p100<1h":                 {Metric: Percentile, Percent: 100, Op: Less, Bound: 3600},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; wanted %+v", text, got, err, want)
		}
		if again, err := Parse(got.String()); err != nil || again != want {
			t.Errorf("%q is written %q and read %+v, %v", text, got, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"":                "no <",
		"p99":             "no <",
		"p99=250ms":       "no <",
		"p99<250":         "no time",
		"p99<-1s":         "no time",
		"p99<+1s":         "no time",
		"p99<0s":          "no time",
		"p99<1%":          "no time",
		"p<1s":            "no metric",
		"p0<1s":           "no percentile",
		"p101<1s":         "no percentile",
		"pNaN<1s":         "no percentile",
		"p9e1<1s":         "no percentile",
		"latency<1s":      "no metric",
		"errors<x":        "no number",
		"errors<-1":       "no number",
		"errors<101%":     "more than all",
		"errors<%":        "no number",
		"rate>5%":         "no share",
		"rate>Inf":        "no number",
		"rate>0x10":       "no number",
		"rate>1_0":        "no number",
		"rate>.":          "no number",
		"rate>1.":         "no number",
		"rate>=":          "no number",
		"rate>>1":         "no number",
		"rate=>1":         "no metric",
		"paying.rate>1":   "neither selling nor sold_out",
		"sold_out.p<1s":   "no metric",
		"rate>1 requests": "no number",
	} {
		_, err := Parse(text)
		if !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), Help) {
			t.Errorf("%q: %v; wanted %q", text, err, why)
		}
	}
}

// What is read can be written and is read the same again; nothing panics.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"p99<250ms", "selling.errors<=0.1%", "rate>50000", "p99.9<1h2m", "errors<", "p.<1s", ".p99<1s", "sold_out.mean>=1ns"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatal(err)
			}
			return
		}
		if first.Bound < 0 || first.Percent < 0 || first.Percent > 100 {
			t.Fatalf("%q: %+v", text, first)
		}
		second, err := Parse(first.String())
		if err != nil && first.Bound > 0 || err == nil && second.String() != first.String() {
			t.Fatalf("%q is written %q, which is read %+v, %v", text, first, second, err)
		}
	})
}

type fixed struct {
	latency, rate   float64
	decided, failed uint64
}

func (f fixed) Percentile(percent float64) float64 { return f.latency * percent / 100 }
func (f fixed) Mean() float64                      { return f.latency / 2 }
func (f fixed) Max() float64                       { return f.latency }
func (f fixed) Decided() uint64                    { return f.decided }
func (f fixed) Failed() uint64                     { return f.failed }
func (f fixed) Rate() float64                      { return f.rate }

func TestJudge(t *testing.T) {
	both := map[Phase]Measured{Selling: fixed{latency: 0.1, rate: 1000, decided: 999, failed: 1}, SoldOut: fixed{latency: 1, rate: 5000, decided: 5000}}
	selling := map[Phase]Measured{Selling: both[Selling], SoldOut: fixed{}}
	nobody := map[Phase]Measured{Selling: fixed{}, SoldOut: fixed{}}
	failed := map[Phase]Measured{Selling: fixed{failed: 10}}
	for _, c := range []struct {
		text     string
		phases   map[Phase]Measured
		verdicts int
		missed   string // "" when all are met
	}{
		{"max<2s", both, 2, ""},
		{"max<500ms", both, 2, "max<500ms: 1s when sold out"},
		{"selling.max<500ms", both, 1, ""},
		{"p50<60ms", selling, 1, ""},
		{"p50<50ms", selling, 1, "p50<50ms: 50ms while selling"},
		{"p50<=50ms", selling, 1, ""},
		{"mean>49ms", selling, 1, ""},
		{"sold_out.p50<60ms", selling, 1, "no request when sold out"},
		{"errors<0.1%", both, 2, "errors<0.1%: 0.1% while selling"},
		{"errors<=0.1%", both, 2, ""},
		{"errors<1", both, 2, "errors<1: 1 while selling"},
		{"rate>999", both, 2, ""},
		{"rate>=1001", both, 2, "rate>=1001: 1000 while selling"},
		{"requests>=999", both, 2, ""},
		{"errors<=100%", nobody, 1, "no request"},
		{"max<1h", failed, 1, "no decision while selling"},
		{"errors<50%", failed, 1, "errors<50%: 100% while selling"},
		{"rate>0", failed, 1, "rate>0: 0 while selling"},
	} {
		threshold, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		verdicts := threshold.Judge(c.phases)
		err = Missed(verdicts)
		if len(verdicts) != c.verdicts || (err == nil) != (c.missed == "") || err != nil && (!errors.Is(err, ErrMissed) || !strings.Contains(err.Error(), c.missed)) {
			t.Errorf("%s: %+v, %v", c.text, verdicts, err)
		}
	}
}
