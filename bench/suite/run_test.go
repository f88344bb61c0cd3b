package suite

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/bench/result"
)

// fake is a step that runs a shell's script and measures what it prints.
func fake(id, target, figure, script string) step {
	return step{id: id, what: "a script", targets: []string{target}, fills: []string{figure}, limit: time.Minute,
		run: func(ctx context.Context, x *executor) (result.Outcome, error) {
			m, err := x.benchmark(ctx, ".", "sh", script, "1x")
			if err != nil {
				return result.Outcome{}, err
			}
			v, err := m.get("Fake", "decisions/s")
			if err != nil {
				return result.Outcome{}, err
			}
			return result.Outcome{Figures: []result.Figure{result.NewFigure(figure, []result.Round{{Measured: v}})}}, nil
		}}
}

// shell makes x.benchmark's flags a script: sh -c "$4".
func shell(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "sh")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec /bin/sh -c \"$4\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func newSuite(t *testing.T, only ...string) (*suite, *bytes.Buffer) {
	shell(t)
	progress := &bytes.Buffer{}
	o := &Options{Root: t.TempDir(), Profile: Full(), Only: only, Folder: t.TempDir(), Progress: progress}
	source := result.Source{Commit: "0123456789ab"}
	return &suite{Options: o, source: source, document: newDocument(o, source), stopMax: 100 * time.Millisecond}, progress
}

const prints = "echo BenchmarkFake-2 1 100 ns/op 12000000 decisions/s; echo working >&2"

func TestRunGoesOnAfterAFailure(t *testing.T) {
	s, progress := newSuite(t)
	broken := fake("broken", "T1", "T1.selling", "echo it broke >&2; exit 3")
	silent := fake("silent", "T2", "T2.one.selling", "true")
	d, path, err := s.run(t.Context(), []step{broken, silent, fake("good", "T1", "T1.soldout", prints)})
	if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), "broken, silent") {
		t.Fatal(err)
	}
	if got := d.Failed(); !slices.Equal(got, []string{"broken", "silent"}) {
		t.Errorf("failed: %v", got)
	}
	f, found := d.Find("T1.selling")
	if !found || !strings.Contains(f.Error, "it broke") || f.Judge().Met {
		t.Errorf("the broken step's figure is %+v", f)
	}
	if f, found = d.Find("T1.soldout"); !found || f.Error != "" || f.Measured != 12e6 {
		t.Errorf("the good step's figure is %+v", f)
	}
	if !strings.Contains(progress.String(), "    working") {
		t.Errorf("what a command says is not passed on:\n%s", progress)
	}
	again, err := result.ReadFile(path)
	if err != nil || len(again.Steps) != 3 || len(again.Steps[2].Commands) != 1 {
		t.Errorf("the file has %+v, %v", again, err)
	}
}

func TestRunEndsWhatTakesTooLong(t *testing.T) {
	s, _ := newSuite(t)
	pidFile := filepath.Join(t.TempDir(), "pid")
	slow := fake("slow", "T1", "T1.selling", "sleep 600 & echo $! > "+pidFile+"; trap '' TERM; wait; wait; sleep 600")
	slow.limit = 3 * time.Second // in which a shell comes as far as its trap
	d, _, err := s.run(t.Context(), []step{slow, fake("good", "T1", "T1.soldout", prints)})
	if !errors.Is(err, ErrFailed) || d.Steps[0].Status != result.StatusTimeout || d.Steps[1].Status != result.StatusDone {
		t.Fatalf("%v; %+v", err, d.Steps)
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

func TestRunOnlyAndMerge(t *testing.T) {
	all := []step{fake("one", "T1", "T1.selling", prints), fake("two", "T2", "T2.one.selling", prints), fake("three", "T2", "T2.one.soldout", prints)}
	s, _ := newSuite(t)
	d, _, err := s.run(t.Context(), all)
	if err != nil || len(d.Steps) != 3 {
		t.Fatalf("%v; %+v", err, d.Steps)
	}
	again, _ := newSuite(t, "t2")
	again.Into = d
	again.source.Commit = "another"
	again.document = newDocument(again.Options, again.source)
	all[1] = fake("two", "T2", "T2.one.selling", strings.Replace(prints, "12000000", "7", 1))
	merged, path, err := again.run(t.Context(), all)
	if err != nil || len(merged.Steps) != 3 {
		t.Fatalf("%v; %+v", err, merged.Steps)
	}
	if f, _ := merged.Find("T2.one.selling"); f.Measured != 7 {
		t.Errorf("measured again: %+v", f)
	}
	if merged.Steps[0].Source.Commit != "0123456789ab" || merged.Steps[1].Source.Commit != "another" || merged.Source.Commit != "another" {
		t.Errorf("the steps are of %v, %v", merged.Steps[0].Source, merged.Steps[1].Source)
	}
	if !strings.Contains(path, "-another.json") {
		t.Errorf("written to %s", path)
	}
	unknown, _ := newSuite(t, "T1", "T77")
	if _, _, err := unknown.run(t.Context(), all); !errors.Is(err, ErrOptions) {
		t.Errorf("an unknown target: %v", err)
	}
}

// A step whose program does not compile fails, and the others run.
func TestRunTellsWhatDoesNotBuild(t *testing.T) {
	s, _ := newSuite(t)
	unbuilt := fake("unbuilt", "T1", "T1.selling", prints)
	unbuilt.builds = [][]string{{".", "sh", "1", "2", "3", "echo does not compile >&2; exit 1"}}
	d, _, err := s.run(t.Context(), []step{unbuilt, fake("good", "T1", "T1.soldout", prints)})
	if !errors.Is(err, ErrFailed) || !strings.Contains(d.Steps[0].Error, "does not compile") || len(d.Steps[0].Commands) != 0 || d.Steps[1].Status != result.StatusDone {
		t.Errorf("%v; %+v", err, d.Steps)
	}
}

func TestRoundsAreRepeatedOnce(t *testing.T) {
	x := &executor{progress: &bytes.Buffer{}}
	all, calls := collected{}, 0
	err := rounds(t.Context(), x, 3, all, func(round int, c collected) error {
		calls++
		c.add("T1.selling", result.Round{Measured: float64(round)})
		if calls == 2 {
			return errOutput
		}
		return nil
	})
	if err != nil || calls != 4 || len(all["T1.selling"]) != 3 || len(x.repeated) != 1 || !strings.Contains(x.repeated[0], "round 2") {
		t.Errorf("%v, %d calls, %v, %q", err, calls, all, x.repeated)
	}
	calls = 0
	err = rounds(t.Context(), x, 3, all, func(int, collected) error { calls++; return errOutput })
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
	last.run = func(c context.Context, x *executor) (result.Outcome, error) {
		o, err := ran(c, x)
		cancel()
		return o, err
	}
	d, path, err := s.run(ctx, []step{last, fake("never", "T1", "T1.selling", prints)})
	if !errors.Is(err, context.Canceled) || len(d.Steps) != 1 {
		t.Errorf("%v; %+v", err, d.Steps)
	}
	if kept, err := result.ReadFile(path); err != nil || len(kept.Steps) != 1 {
		t.Errorf("%v; %+v", err, kept)
	}
}
