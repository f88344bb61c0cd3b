package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"onsale/bench"
)

// stopMax is how long a command may take to clean up when its time is over.
const stopMax = 30 * time.Second

// errOutput is returned when a command's output is not what its step reads.
var errOutput = errors.New("unexpected output")

// executor runs the commands of a step, from the root of the source tree.
type executor struct {
	root     string
	scratch  string    // holds whatever commands write, so that nothing of a killed one stays
	progress io.Writer // what commands say while they run, line by line
	commands []string  // that ran, each once
	stopMax  time.Duration
	repeated []string // rounds that failed and were measured again
}

// run runs a program and returns what it wrote to its standard output, also when it
// failed. dir and a program with a slash are relative to the root.
func (x *executor) run(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	x.note(dir, program, args)
	if strings.Contains(program, "/") {
		program = x.path(program)
	}
	var out limited
	command := exec.Command(program, args...)
	command.Dir = filepath.Join(x.root, dir)
	command.Env = append(bench.OwnEnvironment(), "TMPDIR="+x.scratch)
	command.Stdout = &out
	said := &lines{to: x.progress}
	command.Stderr = said
	// A group of its own, so that nothing that it started outlives it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err := x.runGroup(ctx, command)
	said.flush()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w%s", x.commands[len(x.commands)-1], err, said.tail())
	}
	return out.Bytes(), nil
}

// path is of a file below the root.
func (x *executor) path(name string) string { return filepath.Join(x.root, name) }

// runGroup runs a command; when the context ends it asks the command to end, and then
// ends everything in its group.
func (x *executor) runGroup(ctx context.Context, command *exec.Cmd) error {
	command.WaitDelay = x.stopMax
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(x.stopMax):
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		}
	})
	err := command.Wait()
	close(ended)
	group.Wait()
	if ctx.Err() != nil {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // what it left; the group is its own
	}
	return err
}

// note keeps a command as one would type it.
func (x *executor) note(dir, program string, args []string) {
	words := []string{program}
	if dir != "." && strings.Contains(program, "/") {
		words[0] = filepath.Join(strings.Repeat("../", strings.Count(dir, "/")+1), program)
	}
	for _, arg := range args {
		arg = strings.ReplaceAll(arg, x.scratch, "$TMPDIR")
		if strings.ContainsAny(arg, " ^$|()'\"*?") && !strings.HasPrefix(arg, "$TMPDIR") || arg == "" {
			arg = "'" + arg + "'"
		}
		words = append(words, arg)
	}
	line := strings.Join(words, " ")
	if dir != "." {
		line = "cd " + dir + " && " + line
	}
	x.commands = append(slices.DeleteFunc(x.commands, func(c string) bool { return c == line }), line)
}
