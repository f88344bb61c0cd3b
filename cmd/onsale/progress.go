package main

import (
	"fmt"
	"time"

	"onsale/bench"
)

// progress returns what shows on a terminal how far a load is, and what ends that. In a pipe
// nothing is shown.
func (p *program) progress() (show bench.Progress, end func()) {
	if !isTerminal(p.err) {
		return nil, func() {}
	}
	began := time.Now()
	show = func(answered uint64, part float64) {
		rate := float64(answered) / time.Since(began).Seconds()
		fmt.Fprintf(p.err, "\r%3.0f %%  %d answered, %.0f/s   ", 100*part, answered, rate)
	}
	return show, func() { fmt.Fprintln(p.err) }
}
