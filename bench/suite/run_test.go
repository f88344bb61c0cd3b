package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// fake is a step that runs a shell's script and measures what it prints.
func fake(id, target, name, script string) step {
	return step{id: id, what: "a script", targets: []string{target}, fills: []string{name}, limit: time.Minute,
		run: func(ctx context.Context, x *executor, c collected) error {
			m, err := x.benchmarks(ctx, "fake", []string{script, "1x"})
			if err != nil {
				return err
			}
			return m.add(c, reading{figure: name, mark: "Fake", measured: "decisions/s"})
		}}
}

// shell is the benchmarks' program of a tree: its pattern is a script.
func shell(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	program := filepath.Join(root, "bin", "fake.test")
	if err := errors.Join(os.Mkdir(filepath.Join(root, "bin"), 0o700), os.Mkdir(filepath.Join(root, "fake"), 0o700),
		os.WriteFile(program, []byte("#!/bin/sh\nexec /bin/sh -c \"$4\"\n"), 0o700)); err != nil {
		t.Fatal(err)
	}
	return root
}

func newSuite(t *testing.T, only ...string) (*suite, *bytes.Buffer) {
	progress := &bytes.Buffer{}
	return &suite{root: shell(t), profile: full(), only: only, folder: t.TempDir(), progress: progress,
		stopMax: 100 * time.Millisecond, commit: "0123456789ab"}, progress
}

const prints = "echo BenchmarkFake-2 1 100 ns/op 12000000 decisions/s; echo working >&2"

func TestRunGoesOnAfterAFailure(t *testing.T) {
	s, progress := newSuite(t)
	broken := fake("broken", "T1", "T1.selling", "echo it broke >&2; exit 3")
	silent := fake("silent", "T2", "T2.one.selling", "true")
	err := s.run(t.Context(), []step{broken, silent, fake("good", "T1", "T1.soldout", prints)})
	if !errors.Is(err, errFailed) || !strings.Contains(err.Error(), "broken, silent") {
		t.Fatal(err)
	}
	d := s.document
	if got := d.failed(); !slices.Equal(got, []string{"broken", "silent"}) {
		t.Errorf("failed: %v", got)
	}
	f, found := d.find("T1.selling")
	if !found || !strings.Contains(f.err, "it broke") || f.verdict() != "failed" {
		t.Errorf("the broken step's figure is %+v", f)
	}
	if f, found = d.find("T1.soldout"); !found || f.err != "" || f.measured() != 12e6 {
		t.Errorf("the good step's figure is %+v", f)
	}
	if !strings.Contains(progress.String(), "working") {
		t.Errorf("what a command says is not passed on:\n%s", progress)
	}
	again, err := readFile(s.path)
	if err != nil || !reflect.DeepEqual(again, d) || len(again.steps) != 3 || again.steps[2].facts.get(commandKey) == "" {
		t.Errorf("the file has\n%+v, %v; want\n%+v", again, err, d)
	}
}

func TestRunEndsWhatTakesTooLong(t *testing.T) {
	s, _ := newSuite(t)
	pidFile := filepath.Join(t.TempDir(), "pid")
	slow := fake("slow", "T1", "T1.selling", "sleep 600 & echo $! > "+pidFile+"; trap '' TERM; wait; wait; sleep 600")
	slow.limit = 3 * time.Second // in which a shell comes as far as its trap
	err := s.run(t.Context(), []step{slow, fake("good", "T1", "T1.soldout", prints)})
	if steps := s.document.steps; !errors.Is(err, errFailed) || !strings.HasPrefix(steps[0].err, "timed out") || steps[1].err != "" {
		t.Fatalf("%v; %+v", err, steps)
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 { // until somebody has reaped it
		stat, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "stat"))
		if _, state, _ := strings.Cut(string(stat), ") "); errors.Is(err, fs.ErrNotExist) || strings.HasPrefix(state, "Z") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a process that the step started is still there")
}

func TestRunOnly(t *testing.T) {
	all := []step{fake("one", "T1", "T1.selling", prints), fake("two", "T2", "T2.one.selling", prints), fake("three", "T2", "T2.one.soldout", prints)}
	s, _ := newSuite(t, "t2")
	if err := s.run(t.Context(), all); err != nil || len(s.document.steps) != 2 || s.document.steps[0].id != "two" {
		t.Errorf("%v; %+v", err, s.document)
	}
	if !strings.HasSuffix(s.path, "-0123456789ab.txt") {
		t.Errorf("written to %s", s.path)
	}
	unknown, _ := newSuite(t, "T1", "T77")
	if err := unknown.run(t.Context(), all); !errors.Is(err, errOptions) {
		t.Errorf("an unknown target: %v", err)
	}
}

// A step whose program does not compile fails, and the others run.
func TestRunTellsWhatDoesNotBuild(t *testing.T) {
	s, _ := newSuite(t)
	unbuilt := fake("unbuilt", "T1", "T1.selling", prints)
	unbuilt.builds = [][]string{{".", "sh", "-c", "echo does not compile >&2; exit 1"}}
	err := s.run(t.Context(), []step{unbuilt, fake("good", "T1", "T1.soldout", prints)})
	steps := s.document.steps
	if !errors.Is(err, errFailed) || !strings.Contains(steps[0].err, "does not compile") || steps[0].facts.get(commandKey) != "" || steps[1].err != "" {
		t.Errorf("%v; %+v", err, steps)
	}
}

func TestRoundsAreRepeatedOnce(t *testing.T) {
	x := &executor{progress: &bytes.Buffer{}}
	all, calls := collected{}, 0
	err := inRounds(3, func(_ context.Context, _ *executor, turn int, c collected) error {
		calls++
		c.add("T1.selling", round{measured: float64(turn)})
		if calls == 2 {
			return errOutput
		}
		return nil
	})(t.Context(), x, all)
	if err != nil || calls != 4 || len(all["T1.selling"]) != 3 || len(x.repeated) != 1 || !strings.Contains(x.repeated[0], "round 2") {
		t.Errorf("%v, %d calls, %v, %q", err, calls, all, x.repeated)
	}
	calls = 0
	err = inRounds(3, func(context.Context, *executor, int, collected) error { calls++; return errOutput })(t.Context(), x, all)
	if !errors.Is(err, errOutput) || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// A run that is broken off keeps what it has.
func TestRunBrokenOff(t *testing.T) {
	s, _ := newSuite(t)
	ctx, cancel := context.WithCancel(t.Context())
	last := fake("last", "T1", "T1.soldout", prints)
	ran := last.run
	last.run = func(ctx context.Context, x *executor, c collected) error {
		err := ran(ctx, x, c)
		cancel()
		return err
	}
	err := s.run(ctx, []step{last, fake("never", "T1", "T1.selling", prints)})
	if !errors.Is(err, context.Canceled) || len(s.document.steps) != 1 {
		t.Errorf("%v; %+v", err, s.document)
	}
	if kept, err := readFile(s.path); err != nil || len(kept.steps) != 1 {
		t.Errorf("%v; %+v", err, kept)
	}
}
