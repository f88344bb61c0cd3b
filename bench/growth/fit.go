package growth

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"onsale/bench/result"
)

// Trend is how a series grows.
type Trend struct {
	Curve  string  `json:"curve"`
	Series string  `json:"series"`
	FirstX float64 `json:"first_x"`
	FirstY float64 `json:"first_y"`
	LastX  float64 `json:"last_x"`
	LastY  float64 `json:"last_y"`
	// Slope is of the straight line through the logarithms of both: 0 is flat, 1 is in
	// proportion, 2 is with the square.
	Slope float64 `json:"slope"`
	// LastSlope is the same of the last two points.
	LastSlope float64 `json:"last_slope"`
	// Faster says that it grows faster than a logarithm: its last step adds for each
	// tenfold over half more than any before, and more than a fifth of what there was.
	Faster bool `json:"faster_than_logarithm"`
}

// TrendOf fits a series.
func TrendOf(curve string, s result.Series) Trend {
	points := s.Points
	first, last := points[0], points[len(points)-1]
	t := Trend{Curve: curve, Series: s.Name, FirstX: first.X, FirstY: first.Y, LastX: last.X, LastY: last.Y, Slope: slope(points)}
	if len(points) < 2 {
		return t
	}
	t.LastSlope = slope(points[len(points)-2:])
	most := 0.0 // added for each tenfold so far
	for i := 1; i < len(points); i++ {
		step := (points[i].Y - points[i-1].Y) / math.Log10(points[i].X/points[i-1].X)
		if i == len(points)-1 {
			t.Faster = step > 1.5*most && step > 0.2*points[i-1].Y
		}
		most = max(most, step)
	}
	return t
}

// slope is of the least squares line through the logarithms.
func slope(points []result.Point) float64 {
	var sumX, sumY, sumXX, sumXY float64
	n := float64(len(points))
	for _, p := range points {
		x, y := math.Log(p.X), math.Log(p.Y)
		sumX, sumY, sumXX, sumXY = sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	if spread := n*sumXX - sumX*sumX; spread > 1e-12 {
		return (n*sumXY - sumX*sumY) / spread
	}
	return 0
}

// Trends fits every series of the curves.
func Trends(curves []result.Curve) (all []Trend) {
	for _, c := range curves {
		for _, s := range c.Series {
			all = append(all, TrendOf(c.Name, s))
		}
	}
	return all
}

// tell adds to each curve's note how its series grow.
func tell(curves []result.Curve) {
	for i := range curves {
		var slopes []string
		for _, s := range curves[i].Series {
			slopes = append(slopes, fmt.Sprintf("%s %.2f", s.Name, TrendOf("", s).Slope))
		}
		curves[i].Note += " Slope on logarithmic axes (0 is flat, 1 in proportion): " + strings.Join(slopes, ", ") + "."
	}
}

// Header and Row are a table of trends.
var Header = []string{"curve", "series", "from", "to", "first", "last", "slope", "last_slope", "grows"}

// Row returns a trend's cells.
func (t *Trend) Row() []string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
	grows := "no faster than a logarithm"
	if t.Faster {
		grows = "faster than a logarithm"
	}
	return []string{t.Curve, t.Series, number(t.FirstX), number(t.LastX), number(t.FirstY), number(t.LastY),
		strconv.FormatFloat(t.Slope, 'f', 2, 64), strconv.FormatFloat(t.LastSlope, 'f', 2, 64), grows}
}
