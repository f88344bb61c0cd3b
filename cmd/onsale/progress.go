package main

import (
	"fmt"
	"os"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"

	"onsale/bench"
)

// progressParts is the length of a bar, in thousandths of the whole.
const progressParts = 1000

// progress returns what shows on a terminal how far a load is, and what ends that. In a pipe
// nothing is shown.
func (p *program) progress() (show bench.Progress, end func()) {
	file, is := p.err.(*os.File)
	if !is || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}

	bar := progress.NewWriter()
	bar.SetOutputWriter(file)
	bar.SetStyle(progress.StyleBlocks)
	bar.Style().Visibility = progress.StyleVisibility{Percentage: true, Tracker: true, Time: true}
	tracker := &progress.Tracker{Message: "0 answered", Total: progressParts}
	bar.AppendTracker(tracker)
	ended, began := make(chan struct{}), time.Now()
	go func() {
		defer close(ended)
		bar.Render()
	}()

	show = func(answered uint64, part float64) {
		tracker.UpdateMessage(fmt.Sprintf("%d answered, %.0f/s", answered, float64(answered)/time.Since(began).Seconds()))
		tracker.SetValue(int64(part * progressParts))
	}
	return show, func() {
		tracker.MarkAsDone()
		bar.Stop()
		<-ended
	}
}
