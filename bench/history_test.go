package bench

import (
	"testing"
	"time"
)

// The order check sees places that swapped, places given twice, and a ticket that was
// sold after another buyer was told that none is left; and nothing else.
func TestHistoryOrder(t *testing.T) {
	at := func(sent, answered int, seq uint64, outcome string) told {
		return told{time.Duration(sent), time.Duration(answered), seq, outcome}
	}
	for name, c := range map[string]struct {
		history history
		want    OrderReport
	}{
		"kept":         {history{at(0, 5, 1, "reserved"), at(6, 9, 2, "reserved"), at(10, 12, 0, "sold_out")}, OrderReport{Answers: 3, Sequenced: 2}},
		"at once":      {history{at(0, 5, 2, "reserved"), at(4, 9, 1, "reserved")}, OrderReport{Answers: 2, Sequenced: 2}},
		"same instant": {history{at(0, 5, 2, "reserved"), at(5, 9, 1, "reserved")}, OrderReport{Answers: 2, Sequenced: 2}},
		"swapped":      {history{at(6, 9, 1, "reserved"), at(0, 5, 2, "reserved")}, OrderReport{Answers: 2, Sequenced: 2, Swapped: 1}},
		"twice":        {history{at(0, 5, 1, "reserved"), at(0, 5, 1, "reserved")}, OrderReport{Answers: 2, Sequenced: 2, Duplicates: 1}},
		"unfair":       {history{at(0, 5, 0, "sold_out"), at(6, 9, 3, "reserved")}, OrderReport{Answers: 2, Sequenced: 1, Unfair: 1}},
		"cap is fair":  {history{at(0, 5, 0, "cap_exceeded"), at(6, 9, 3, "reserved")}, OrderReport{Answers: 2, Sequenced: 1}},
	} {
		if got := c.history.order(); got != c.want {
			t.Errorf("%s: %+v, wanted %+v", name, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("median of %v is %v, wanted %v", c.values, got, c.want)
		}
	}
}
