package procs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// pollInterval is between two looks at whether a process is ready.
const pollInterval = 10 * time.Millisecond

// Await asks until ready returns nil. When the process ends before, it returns ErrEnded at
// once, and ends ready's context; when ctx ends, ctx's error with ready's last one. Both
// come with the end of the process' output.
func (p *Process) Await(ctx context.Context, ready func(context.Context) error) error {
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-asking.Done():
		}
	}()

	ticks := time.NewTicker(pollInterval)
	defer ticks.Stop()

	for {
		err := ready(asking)
		switch {
		case p.HasEnded(): // whoever answered was another
			return fmt.Errorf("%s: %w (%v)%s", p.config.name(), ErrEnded, p.command.ProcessState, p.tail())
		case err == nil:
			return nil
		}

		select {
		case <-asking.Done():
		case <-ticks.C:
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s is not ready: %w: %w%s", p.config.name(), ctx.Err(), err, p.tail())
		}
	}
}

// errNoLine is why a process is not ready that has not written a line yet.
var errNoLine = errors.New("it did not write")

// AwaitLine waits until the process has written a whole line that matches, and returns the
// match and its groups; a process may have ended since. It fails as Await does.
func (p *Process) AwaitLine(ctx context.Context, pattern *regexp.Regexp) (match []string, err error) {
	err = p.Await(ctx, func(context.Context) error {
		if p.output.find(pattern) == nil {
			return fmt.Errorf("%w %v", errNoLine, pattern)
		}
		return nil
	})
	if match = p.output.find(pattern); match != nil {
		return match, nil
	}
	return nil, err
}
