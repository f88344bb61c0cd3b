package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	progress io.Writer // what commands say while they run
	commands []string  // that ran, each once
	stopMax  time.Duration
	repeated []string // rounds that failed and were measured again
	lines    []mark   // what belongs to no target, for the document
}

// run runs a program and returns what it wrote to its standard output, also when it
// failed. dir and a program with a slash are relative to the root. When the context ends
// the command is asked to end, and then everything in its group is.
func (x *executor) run(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	x.note(dir, program, args)
	if strings.Contains(program, "/") {
		program = x.path(program)
	}
	var out, said bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Dir, command.Env = x.path(dir), append(bench.OwnEnvironment(), "TMPDIR="+x.scratch)
	command.Stdout, command.Stderr = &out, io.MultiWriter(x.progress, &said)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a group of its own, so that nothing outlives it
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = x.stopMax

	err := command.Run()
	if ctx.Err() != nil && command.Process != nil {
		err = ctx.Err()
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // what it left; the group is its own
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w; it said: %s", x.commands[len(x.commands)-1], err, lastLine(said.String()))
	}
	return out.Bytes(), nil
}

// lastLine is the end of a long text, in one line.
func lastLine(text string) string { return oneLine(text[max(0, len(text)-1000):]) }

// path is of a file below the root.
func (x *executor) path(name string) string { return filepath.Join(x.root, name) }

// note keeps a command.
func (x *executor) note(dir, program string, args []string) {
	line := strings.ReplaceAll(strings.Join(append([]string{program}, args...), " "), x.scratch, "$TMPDIR")
	if dir != "." {
		line = "in " + dir + ": " + line
	}
	x.commands = append(slices.DeleteFunc(x.commands, func(c string) bool { return c == line }), line)
}
