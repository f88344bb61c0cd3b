package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
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

// memoryKiB bounds the addresses of a test process: a loop that does not end any more
// may fill the machine before its time is over.
const memoryKiB = 8 << 20

// bench is where mutants are tried.
type bench struct {
	root  string        // of the module
	temp  string        // is removed at the end
	limit time.Duration // that tests have at least
	// quiet is held for writing by a test that nothing else may run beside.
	quiet sync.RWMutex
}

// try runs the tests that reach a mutant until one finds it, the fastest first: those that are fast, or those that
// are not.
func (b *bench) try(ctx context.Context, p *programs, m *mutation, tests []testOf, fast bool) (verdict, error) {
	for _, group := range groups(tests, p.numbers[m], b.limit) {
		if group.cost <= fastCost != fast {
			continue
		}
		if result, err := b.judge(ctx, p, p.numbers[m], group); err != nil || result != survived {
			return result, err
		}
	}
	return survived, nil
}

// judge runs some tests, and those that find something a second time: on a machine that others use a test may fail
// though nothing is wrong. What ran out of its time runs alone then, with twice the time.
func (b *bench) judge(ctx context.Context, p *programs, mutant int, s timed) (verdict, error) {
	b.quiet.RLock()
	result, err := b.test(ctx, p, mutant, s)
	if err == nil && result.verdict == killed {
		result, err = b.test(ctx, p, mutant, s)
	}
	b.quiet.RUnlock()
	if err != nil || result.verdict != timedOut {
		return result.verdict, err
	}
	b.quiet.Lock()
	defer b.quiet.Unlock()
	s.limit *= 2
	result, err = b.test(ctx, p, mutant, s)
	return result.verdict, err
}

// ran is what came of tests.
type ran struct {
	verdict
	output   []byte
	computed time.Duration // by the processors, without the time that it waited for them
}

// test runs the tests of a package where go test would run them, as a short run, with one mutant of the program.
func (b *bench) test(ctx context.Context, p *programs, mutant int, s timed) (ran, error) {
	temp, err := os.MkdirTemp(b.temp, "")
	if err != nil {
		return ran{}, err
	}
	defer os.RemoveAll(temp) // and what the tests leave in temporary folders
	// The tests end themselves at their limit, and say where they were; what does not is killed.
	bounded, cancel := context.WithTimeout(ctx, s.limit+10*time.Second)
	defer cancel()
	limited := fmt.Sprintf(`ulimit -v %d && exec "$0" "$@"`, memoryKiB)
	command := exec.CommandContext(bounded, "sh", "-c", limited, p.paths[s.dir],
		"-test.failfast", "-test.short", "-test.timeout", s.limit.String(), "-test.run", s.pattern)
	command.Dir = filepath.Join(b.root, filepath.FromSlash(s.dir))
	command.Env = append(os.Environ(), "TMPDIR="+temp, fmt.Sprint(chosenName, "=", mutant), reachedName+"="+p.reached())
	command.WaitDelay = time.Second
	output, err := command.CombinedOutput()
	result := ran{verdict: survived, output: output}
	if is := command.ProcessState; is != nil {
		result.computed = is.UserTime() + is.SystemTime()
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ran{}, ctx.Err()
	case bounded.Err() != nil, bytes.Contains(output, []byte("panic: test timed out")):
		result.verdict = timedOut
	case errors.As(err, new(*exec.ExitError)), errors.Is(err, exec.ErrWaitDelay):
		result.verdict = killed
	default:
		return ran{}, err
	}
	return result, nil
}
