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
}

// run runs a program and returns what it wrote to its standard output, also when it
// failed. dir and a program with a slash are relative to the root. When the context ends
// the command is asked to end, and then everything in its group is.
func (x *executor) run(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	x.note(dir, program, args)
	if strings.Contains(program, "/") {
		program = x.path(program)
	}
	var out bytes.Buffer
	said := &tail{}
	command := exec.CommandContext(ctx, program, args...)
	command.Dir, command.Env = x.path(dir), append(bench.OwnEnvironment(), "TMPDIR="+x.scratch)
	command.Stdout, command.Stderr = &out, io.MultiWriter(x.progress, said)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a group of its own, so that nothing outlives it
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = x.stopMax

	err := command.Run()
	if ctx.Err() != nil && command.Process != nil {
		err = ctx.Err()
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // what it left; the group is its own
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w; it said: %s", x.commands[len(x.commands)-1], err, oneLine(string(said.last)))
	}
	return out.Bytes(), nil
}

// path is of a file below the root.
func (x *executor) path(name string) string { return filepath.Join(x.root, name) }

// tail keeps the end of what is written.
type tail struct{ last []byte }

// tailBytesMax is how much of what a failed command said goes into the result.
const tailBytesMax = 1000

func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	t.last = t.last[max(0, len(t.last)-tailBytesMax):]
	return len(p), nil
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
