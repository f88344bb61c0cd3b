package growth

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"onsale/bench"
	"onsale/bench/result"
)

// Every study of the rules decides what it says, and makes curves that can be drawn.
func TestEngine(t *testing.T) {
	o := Options{Largest: smallest, Log: io.Discard}
	curves, err := o.engine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, c := range curves {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
		names[c.Name] = len(c.Series)
	}
	for name, series := range map[string]int{"CPU time by buyers": 1, "Memory by buyers": 1, "CPU time by tickets": 2, "CPU time by holders": 4, "Memory by holders": 2,
		"CPU time by waiting orders": 4, "Memory by waiting orders": 2, "CPU time by sales": 3, "CPU time by orders in a snapshot": 3} {
		if names[name] != series {
			t.Errorf("%q has %d series, expected %d", name, names[name], series)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{{Largest: 1, Log: io.Discard}, {Largest: LargestFull + 1, Log: io.Discard}, {Largest: smallest, Parts: []string{"disk"}, Log: io.Discard}} {
		if _, err := Run(t.Context(), o); !errors.Is(err, bench.ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// What grows in proportion, with the square root, like a logarithm and not at all is told
// apart.
func TestTrend(t *testing.T) {
	for name, c := range map[string]struct {
		of     func(x float64) float64
		slope  float64
		faster bool
	}{
		"flat":        {func(float64) float64 { return 50 }, 0, false},
		"logarithm":   {func(x float64) float64 { return 10 * math.Log2(x) }, 0.11, false},
		"a cliff":     {func(x float64) float64 { return 40 + 60*min(1, math.Floor(x/1e5)) }, 0.12, false},
		"square root": {math.Sqrt, 0.5, true},
		"proportion":  {func(x float64) float64 { return 3 * x }, 1, true},
		"square":      {func(x float64) float64 { return x * x }, 2, true},
		"shrinks":     {func(x float64) float64 { return 1 / x }, -1, false},
	} {
		s := result.Series{Name: name}
		for _, x := range sizes(1000, 10_000_000) {
			s.Points = append(s.Points, result.Point{X: float64(x), Y: c.of(float64(x))})
		}
		trend := TrendOf("curve", s)
		if math.Abs(trend.Slope-c.slope) > 0.02 || trend.Faster != c.faster {
			t.Errorf("%s: %+v", name, trend)
		}
		if cells := trend.Row(); len(cells) != len(Header) || strings.HasPrefix(cells[len(cells)-1], "faster") != c.faster {
			t.Errorf("%s: %v", name, cells)
		}
	}
	one := TrendOf("curve", result.Series{Name: "one", Points: []result.Point{{X: 1, Y: 1}}})
	if one.Slope != 0 || one.Faster {
		t.Errorf("%+v", one)
	}
}

func TestTell(t *testing.T) {
	curves := []result.Curve{{Name: "c", Note: "What.", Series: []result.Series{{Name: "s", Points: []result.Point{{X: 1, Y: 2}, {X: 10, Y: 20}}}}}}
	tell(curves)
	if want := "What. Slope on logarithmic axes (0 is flat, 1 in proportion): s 1.00."; curves[0].Note != want {
		t.Errorf("%q", curves[0].Note)
	}
}

// Each number comes once, and not in its order.
func TestShuffled(t *testing.T) {
	for _, count := range []int{250, 500, 50_000} {
		seen := map[uint64]bool{}
		for i := range count {
			seen[shuffled(i, count)] = true
		}
		if len(seen) != count {
			t.Errorf("%d of %d", len(seen), count)
		}
	}
}
