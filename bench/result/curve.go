package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrCurves is returned when what should be a list of curves is none.
var ErrCurves = errors.New("not a list of curves")

// Curve is one chart of growth: how something that is paid (y) changes as something
// that a sale has more or less of (x) grows.
type Curve struct {
	Name   string   `json:"name"`
	X      Axis     `json:"x"`
	Y      Axis     `json:"y"`
	Series []Series `json:"series"`
	// Note says in a sentence or two what was held fixed and what the reader should
	// see. It is explanation, not measurement.
	Note string `json:"note,omitempty"`
}

// Axis is one axis of a curve. Unit comes last in what is printed: "buyers", "ns".
type Axis struct {
	Label string `json:"label"`
	Unit  string `json:"unit,omitempty"`
	// Log asks for a logarithmic axis; every value on it is above zero.
	Log bool `json:"log,omitempty"`
}

// Series is one line of a curve. Its points are ordered by X.
type Series struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is one measurement.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Validate says what is wrong with a curve: no name, no line, points that run back, or
// a value that a logarithmic axis cannot show.
func (c Curve) Validate() error {
	if c.Name == "" || len(c.Series) == 0 {
		return fmt.Errorf("%w: curve %q has no name or no series", ErrCurves, c.Name)
	}
	for _, series := range c.Series {
		if err := c.validateSeries(series); err != nil {
			return err
		}
	}
	return nil
}

func (c Curve) validateSeries(series Series) error {
	if len(series.Points) == 0 {
		return fmt.Errorf("%w: curve %q: series %q has no points", ErrCurves, c.Name, series.Name)
	}
	for i, point := range series.Points {
		if i > 0 && point.X < series.Points[i-1].X {
			return fmt.Errorf("%w: curve %q: series %q runs back at point %d", ErrCurves, c.Name, series.Name, i)
		}
		if c.X.Log && point.X <= 0 || c.Y.Log && point.Y <= 0 {
			return fmt.Errorf("%w: curve %q: series %q: point %d cannot be on a logarithmic axis", ErrCurves, c.Name, series.Name, i)
		}
	}
	return nil
}

// ReadCurves reads what `onsale bench growth --json` writes: a list of curves, each of
// which is valid.
func ReadCurves(r io.Reader) ([]Curve, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var curves []Curve
	if err := decoder.Decode(&curves); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCurves, err)
	}
	for _, curve := range curves {
		if err := curve.Validate(); err != nil {
			return nil, err
		}
	}
	return curves, nil
}
