package raftfsm

import (
	"testing"
	"time"

	"onsale/sequencer"
)

// The status has the log's time at which the clock of holds stopped, while it is stopped.
func TestHoldsStoppedSince(t *testing.T) {
	s, d := sequencer.New(), new(sequencer.Decisions)
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		command sequencer.Command
		want    *time.Time
	}{
		{sequencer.Command{Kind: sequencer.KindHoldGo}, nil},
		{sequencer.Command{Kind: sequencer.KindHoldStop, Count: 60}, new(at.Add(time.Second))},
		{sequencer.Command{Kind: sequencer.KindHoldStop, Count: 60}, new(at.Add(time.Second))},
		{sequencer.Command{Kind: sequencer.KindHoldGo}, nil},
		{sequencer.Command{Kind: sequencer.KindHoldStop, Count: 60}, new(at.Add(4 * time.Second))},
	} {
		now := at.Add(time.Duration(i) * time.Second).UnixNano()
		s.Apply(&sequencer.Batch{Time: now, Commands: []sequencer.Command{step.command}}, d)
		got := holdsStoppedSince(s)
		if (got == nil) != (step.want == nil) || got != nil && !got.Equal(*step.want) {
			t.Errorf("step %d: %v, wanted %v", i, got, step.want)
		}
	}
}
