package bench

import (
	"testing"
	"time"
)

func TestPartsAddUp(t *testing.T) {
	for _, requests := range []uint64{1, 7, 10, 25, 1001} {
		p := newParts(requests, func() int64 { return 5 })
		for n := uint64(1); n <= requests; n++ {
			p.note(n, time.Duration(n)*time.Second)
		}
		var sum uint64
		var seconds float64
		for i, part := range p.report(requests, time.Duration(requests)*time.Second) {
			sum, seconds = sum+part.Requests, seconds+part.Seconds
			if part.Rate < 0.999 || part.Rate > 1.001 {
				t.Errorf("%d requests: part %d has %+v, want one request a second", requests, i, part)
			}
		}
		if sum != requests || seconds != float64(requests) {
			t.Errorf("%d requests: the parts have %d in %v s", requests, sum, seconds)
		}
	}
}

// A part that was slow is seen.
func TestPartsTellSlowFromFast(t *testing.T) {
	p := newParts(20, nil)
	for n := uint64(1); n <= 20; n++ {
		at := time.Duration(n) * time.Millisecond
		if n > 10 {
			at = time.Duration(10+(n-10)*5) * time.Millisecond
		}
		p.note(n, at)
	}
	list := p.report(20, 60*time.Millisecond)
	first, last := list[0], list[len(list)-1]
	if len(list) != 10 || first.Rate < 999 || first.Rate > 1001 || last.Rate < 199 || last.Rate > 201 {
		t.Errorf("%d parts, first %+v, last %+v", len(list), first, last)
	}
}
