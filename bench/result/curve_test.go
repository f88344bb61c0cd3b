package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestCurvesRoundTrip(t *testing.T) {
	curves := []Curve{{
		Name:   "cost of a decision",
		X:      Axis{Label: "holders", Log: true},
		Y:      Axis{Label: "cost a decision", Unit: "ns"},
		Series: []Series{{Name: "selling", Points: []Point{{1000, 90}, {10000, 120.5}}}},
		Note:   "Batches of 1,000.",
	}}
	var written bytes.Buffer
	if err := json.NewEncoder(&written).Encode(curves); err != nil {
		t.Fatal(err)
	}
	read, err := ReadCurves(&written)
	if err != nil || !reflect.DeepEqual(read, curves) {
		t.Fatalf("read %+v, %v; wrote %+v", read, err, curves)
	}
}

func TestCurvesRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":           "curves",
		"no list":           `{"name": "a"}`,
		"an unknown field":  `[{"name": "a", "colour": "red", "series": [{"name": "s", "points": [{"x": 1, "y": 1}]}]}]`,
		"no name":           `[{"series": [{"name": "s", "points": [{"x": 1, "y": 1}]}]}]`,
		"no series":         `[{"name": "a", "series": []}]`,
		"no points":         `[{"name": "a", "series": [{"name": "s", "points": []}]}]`,
		"points run back":   `[{"name": "a", "series": [{"name": "s", "points": [{"x": 2, "y": 1}, {"x": 1, "y": 1}]}]}]`,
		"zero on log scale": `[{"name": "a", "x": {"label": "n", "log": true}, "series": [{"name": "s", "points": [{"x": 0, "y": 1}]}]}]`,
	} {
		if _, err := ReadCurves(strings.NewReader(text)); !errors.Is(err, ErrCurves) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
