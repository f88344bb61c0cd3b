package result

import "slices"

// Which of a figure's two numbers its goal is about.
const (
	ByMeasured = "measured"
	ByRatio    = "ratio"
)

// Goal is what a figure must come to.
type Goal struct {
	By    string // ByMeasured or ByRatio
	Least bool   // Value is the least that is enough, not the most
	Value float64
}

// Definition is what a figure means. It is kept apart from what was measured.
type Definition struct {
	ID      string
	What    string
	Phase   string // "selling", "sold out"; "" where there is no difference
	Unit    string // of what is measured
	Against string // what the ratio is to, or who is near; "" for nothing
	// Goal is nil for what is shown to orient.
	Goal *Goal
	// HigherIsBetter is for figures without a goal, and for a goal's direction.
	HigherIsBetter bool
	// Bound is what bounds it, as far as it is known: an explanation, no measurement.
	Bound string
	// FullOnly says that the quick profile does not measure it.
	FullOnly bool
}

// Target returns the id of the target that a figure belongs to.
func (d *Definition) Target() string { return targetOf(d.ID) }

// Verdict is what a goal says of a figure.
type Verdict struct {
	Judged bool // there is a goal and a number
	Met    bool
	// Off is how far the number is from the goal, as a part of the goal: 0.1 is 10 %
	// better, -0.1 is 10 % worse. It is 0 for goals of 0.
	Off float64
}

// Number returns the number that the figure's goal is about: the ratio, or what was
// measured. A figure without a goal is read by its ratio when it has one.
func (f *Figure) Number() float64 {
	if f.readByRatio() {
		return *f.Ratio
	}
	return f.Measured
}

func (f *Figure) readByRatio() bool {
	d, _ := Define(f.ID)
	return f.Ratio != nil && (d.Goal == nil || d.Goal.By == ByRatio)
}

// Spread returns the least and the most of the rounds' numbers.
func (f *Figure) Spread() (least, most float64) {
	numbers := make([]float64, 0, len(f.Rounds)+1)
	for _, r := range f.Rounds {
		if f.readByRatio() {
			numbers = append(numbers, r.Ratio)
		} else {
			numbers = append(numbers, r.Measured)
		}
	}
	if len(numbers) == 0 {
		numbers = append(numbers, f.Number())
	}
	return slices.Min(numbers), slices.Max(numbers)
}

// Judge compares a figure with its goal.
func (f *Figure) Judge() Verdict {
	d, known := Define(f.ID)
	if !known || d.Goal == nil {
		return Verdict{}
	}
	if f.Error != "" {
		return Verdict{Judged: true}
	}
	number := f.Number()
	v := Verdict{Judged: true, Met: number <= d.Goal.Value}
	if d.Goal.Value != 0 {
		v.Off = (d.Goal.Value - number) / d.Goal.Value
	}
	if d.Goal.Least {
		v.Met, v.Off = number >= d.Goal.Value, -v.Off
	}
	return v
}

// NewFigure makes a figure of its rounds: medians.
func NewFigure(id string, rounds []Round) Figure {
	if len(rounds) == 0 {
		return Figure{ID: id, Error: "nothing was measured"}
	}
	of := func(pick func(Round) float64) float64 {
		var values []float64
		for _, r := range rounds {
			values = append(values, pick(r))
		}
		return Median(values)
	}
	f := Figure{ID: id, Rounds: rounds, Measured: of(func(r Round) float64 { return r.Measured })}
	if ratio := of(func(r Round) float64 { return r.Ratio }); ratio != 0 {
		compared := of(func(r Round) float64 { return r.Compared })
		f.Ratio, f.Compared = &ratio, &compared
	}
	return f
}

// Median returns the middle value, the mean of the middle two of an even number, and 0
// of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
