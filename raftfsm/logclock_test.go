package raftfsm

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// began is when the clocks of these tests begin; it has no monotonic reading.
var began = time.Unix(1_800_000_000, 0)

// Two batches that are as far apart in the log as by the clock say what the log's time is:
// a second apart at least, and off by a quarter of one at most.
func TestWhichBatchesAreHeard(t *testing.T) {
	for apart, offs := range map[time.Duration]map[time.Duration]bool{
		heardApart - 1:   {0: false},
		heardApart:       {0: true, heardOff: true, heardOff + 1: false, -heardOff: true, -heardOff - 1: false},
		10 * time.Second: {0: true, heardOff: true, heardOff + 1: false, -heardOff: true, -heardOff - 1: false},
	} {
		for off, want := range offs {
			wall := &jumpingClock{now: began}
			c := logClock{clock: wall}
			c.observe(began.UnixNano())
			wall.now = began.Add(apart)
			c.observe(began.Add(apart + off).UnixNano())
			if c.knows() != want {
				t.Errorf("%v apart, %v off: heard %t", apart, off, c.knows())
			}
			if by, known := c.ahead(); known != want || want && by != -off {
				t.Errorf("%v apart, %v off: ahead by %v, %t", apart, off, by, known)
			}
			if wall.now = wall.now.Add(heardMax + 1); want {
				if _, known := c.ahead(); known {
					t.Error("it is believed for ever")
				}
			}
		}
	}
}

// The log's time begins at the latest of the wall clock, the log and what was stamped
// before, goes on with the clock, and never back.
func TestLogTimeNeverRunsBack(t *testing.T) {
	clock := &jumpingClock{now: began}
	c := logClock{clock: clock}
	expect := func(what string, want time.Time) {
		t.Helper()
		if got := c.stamp(); got != want.UnixNano() {
			t.Errorf("%s: the log's time is %v off", what, time.Duration(got-want.UnixNano()))
		}
	}
	c.takeOffice(began.Add(-time.Hour).UnixNano(), nil)
	expect("in office", began)
	clock.now = began.Add(5 * time.Second)
	expect("later", began.Add(5*time.Second))
	clock.now = began.Add(2 * time.Second)
	expect("the clock ran back", began.Add(5*time.Second))
	if d := c.disagreement(); d != -3*time.Second {
		t.Errorf("the wall clock is %v ahead", d)
	}
	c.takeOffice(0, nil)
	expect("in office again", began.Add(5*time.Second))
	clock.now = began.Add(3 * time.Second)
	expect("a second later", began.Add(6*time.Second))
	c.takeOffice(began.Add(time.Minute).UnixNano(), nil)
	expect("behind another leader", began.Add(time.Minute))
	clock.now = began.Add(time.Hour)
	c.takeOffice(0, nil)
	expect("long after", began.Add(time.Hour))
	if d := c.disagreement(); d != 0 {
		t.Errorf("the wall clock is %v ahead", d)
	}
}

// A leader's alarm begins when the clocks are more than a second apart, counts once, and
// ends when they agree again.
func TestClockAlarm(t *testing.T) {
	var said bytes.Buffer
	clock := &jumpingClock{now: began}
	config := Config{Clock: clock, Logger: slog.New(slog.NewTextHandler(&said, nil))}
	w := &watchdog{config: &config, batcher: new(batcher), clock: &logClock{clock: clock}}
	w.clock.takeOffice(0, nil)
	look := func(jump time.Duration, wrong bool, alarms uint64) {
		t.Helper()
		w.clock.base = clock.now.Add(-jump).UnixNano() // the wall clock is ahead by so much
		w.clock.last = w.clock.base
		w.checkClock()
		if _, since := w.clockOff(); (since != nil) != wrong || w.clockAlarms.Load() != alarms {
			t.Errorf("%v ahead: alarm since %v, %d alarms", jump, since, w.clockAlarms.Load())
		}
		if err := w.clockError(); errors.Is(err, errClock) != wrong || wrong && !strings.Contains(err.Error(), "by "+jump.Round(time.Millisecond).String()) {
			t.Errorf("%v ahead: %v", jump, err)
		}
	}
	look(time.Hour, false, 0) // it does not lead
	w.batcher.leading.Store(true)
	look(ClockAlarm, false, 0)
	look(ClockAlarm+time.Millisecond, true, 1)
	look(time.Hour, true, 1)
	look(0, false, 1)
	look(-ClockAlarm, false, 1)
	look(-ClockAlarm-time.Millisecond, true, 2)
	w.batcher.leading.Store(false)
	look(-time.Hour, false, 2)
	if n := strings.Count(said.String(), "the wall clock left the log's time"); n != 2 {
		t.Errorf("told %d times: %s", n, &said)
	}
}

// A failure is told once, and is there from then on.
func TestLifecycle(t *testing.T) {
	var told []error
	l := newLifecycle(func(err error) { told = append(told, err) })
	if l.broken() || l.stopping() {
		t.Error("a new one has failed or stops")
	}
	first := errors.New("first")
	l.fatal(first)
	l.fatal(errors.New("second"))
	if !l.broken() || len(told) != 1 || !errors.Is(told[0], first) || !errors.Is(*l.failure.Load(), first) {
		t.Errorf("told %v", told)
	}
	l.wait(time.Millisecond)
	close(l.stop)
	l.wait(time.Hour) // at once
	if !l.stopping() {
		t.Error("it does not stop")
	}
}
