package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// verdict is what became of a mutant.
type verdict int

const (
	killed verdict = iota
	timedOut
	survived
	notCompiled
	verdicts
)

var verdictNames = [verdicts]string{"killed", "timed out", "survived", "not compiled"}

// String returns what is printed of a verdict.
func (v verdict) String() string { return verdictNames[v] }

// A mutant may take limitFactor times what the suite takes without one, and limitLeast
// at least: who else works on the machine may make it slower, and one that hangs costs
// all of it.
const (
	limitFactor = 3
	limitLeast  = 20 * time.Second
)

// memoryKiB bounds the addresses of a test process: a loop that does not end any more
// may fill the machine before its time is over.
const memoryKiB = 8 << 20

// bench is where mutants are tried.
type bench struct {
	root string // of the module
	temp string // is removed at the end
}

// timed is a suite and how long it may take.
type timed struct {
	suite
	limit time.Duration
}

// baseline runs the suites without a mutant, which they must pass, and gives each its
// limit.
func (b *bench) baseline(ctx context.Context, suites []suite) ([]timed, error) {
	dir, err := os.MkdirTemp(b.temp, "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var all []timed
	for _, s := range suites {
		program, err := b.build(ctx, dir, s, "")
		if err != nil {
			return nil, err
		}
		began := time.Now()
		result, output, err := b.test(ctx, dir, program, timed{s, time.Hour})
		if err != nil {
			return nil, err
		}
		if result != survived {
			return nil, fmt.Errorf("the tests of %s fail without a mutant:\n%s", s.dir, output)
		}
		all = append(all, timed{s, max(limitFactor*time.Since(began), limitLeast)})
	}
	return all, nil
}

// limits are how long each suite may take.
func limits(suites []timed) (all []time.Duration) {
	for _, s := range suites {
		all = append(all, s.limit.Round(time.Second))
	}
	return all
}

// try runs the suites, one after the other, on a mutant until one finds it.
func (b *bench) try(ctx context.Context, m *mutation, suites []timed) (verdict, error) {
	dir, err := os.MkdirTemp(b.temp, "")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	overlay, err := b.overlay(dir, m)
	if err != nil {
		return 0, err
	}
	for _, s := range suites {
		program, err := b.build(ctx, dir, s.suite, overlay)
		if ctx.Err() == nil && errors.As(err, new(*exec.ExitError)) {
			return notCompiled, nil
		} else if err != nil {
			return 0, err
		}
		if result, _, err := b.test(ctx, dir, program, s); err != nil || result != survived {
			return result, err
		}
	}
	return survived, nil
}

// overlay writes the changed file, and what puts it in the place of the file.
func (b *bench) overlay(dir string, m *mutation) (string, error) {
	path, changed := filepath.Join(b.root, filepath.FromSlash(m.File)), filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(changed, m.apply(), 0o600); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}

// build compiles the tests of a package, without what only a debugger reads.
func (b *bench) build(ctx context.Context, dir string, s suite, overlay string) (program string, err error) {
	program = filepath.Join(dir, "tests")
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", program, "-overlay", overlay, "./" + s.dir}
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir, command.Env = b.root, append(os.Environ(), "GOTMPDIR="+dir)
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return program, nil
}

// test runs the tests of a package where go test would run them, as a short run. What they leave in
// temporary folders goes with dir.
func (b *bench) test(ctx context.Context, dir, program string, s timed) (verdict, []byte, error) {
	// The tests end themselves at their limit, and say where they were; what does not is killed.
	bounded, cancel := context.WithTimeout(ctx, s.limit+10*time.Second)
	defer cancel()
	limited := fmt.Sprintf(`ulimit -v %d && exec "$0" "$@"`, memoryKiB)
	command := exec.CommandContext(bounded, "sh", "-c", limited, program,
		"-test.failfast", "-test.short", "-test.timeout", s.limit.String(), "-test.run", s.run)
	command.Dir = filepath.Join(b.root, filepath.FromSlash(s.dir))
	command.Env = append(os.Environ(), "TMPDIR="+dir)
	command.WaitDelay = time.Second
	output, err := command.CombinedOutput()
	switch {
	case err == nil:
		return survived, output, nil
	case ctx.Err() != nil:
		return 0, nil, ctx.Err()
	case bounded.Err() != nil, bytes.Contains(output, []byte("panic: test timed out")):
		return timedOut, output, nil
	case errors.As(err, new(*exec.ExitError)), errors.Is(err, exec.ErrWaitDelay):
		return killed, output, nil
	}
	return 0, output, err
}
