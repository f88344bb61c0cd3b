package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"onsale/bench"
)

// progress returns what shows on a terminal how far a load is, and what ends that. In a pipe
// nothing is shown.
func (p *program) progress() (show bench.Progress, end func()) {
	file, is := p.err.(*os.File)
	if !is || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}
	began := time.Now()
	show = func(answered uint64, part float64) {
		rate := float64(answered) / time.Since(began).Seconds()
		fmt.Fprintf(file, "\r%3.0f %%  %d answered, %.0f/s   ", 100*part, answered, rate)
	}
	return show, func() { fmt.Fprintln(file) }
}
