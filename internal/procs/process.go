package procs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// ErrEnded is returned when a process ended before what was waited for.
var ErrEnded = errors.New("the process ended")

// ErrNotStopped is returned when a process did not stop in time and was killed.
var ErrNotStopped = errors.New("the process did not stop in time")

// Config is what a process is started with. Only Path is needed.
type Config struct {
	Name string   // in errors; the program's own when empty
	Path string   // of the program; without a slash it is looked for in PATH
	Args []string // without the program's name
	Dir  string   // it works in; this process' own when empty
	Env  []string // all of its environment; nil is this process' own

	// LogPath is the file that its output and errors are appended to. When it is empty they
	// go to a file without a name, which goes with the Process.
	LogPath string
	// StopSignal asks it to stop; 0 is SIGTERM.
	StopSignal syscall.Signal
	// Attributes are the system's, nil for none. They are not changed.
	Attributes *syscall.SysProcAttr
}

// InNetwork returns the same process in a network namespace that `ip netns` made.
func (c Config) InNetwork(namespace string) Config {
	c.Args = append([]string{"netns", "exec", namespace, c.Path}, c.Args...)
	c.Name, c.Path = c.name(), "ip" // which becomes the program: its process id is the program's
	return c
}

func (c Config) name() string { return cmp.Or(c.Name, filepath.Base(c.Path)) }

// Process is one run of a program.
type Process struct {
	config  Config
	command *exec.Cmd
	output  *output
	ended   chan struct{} // closed when it has ended
}

// Start starts a process. It ends with this one at the latest.
func Start(c Config) (*Process, error) {
	output, err := openOutput(c.LogPath)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name(), err)
	}

	command := exec.Command(c.Path, c.Args...) // to run what it is told is what it is for
	command.Dir, command.Env = c.Dir, c.Env
	command.Stdout, command.Stderr = output.file, output.file
	command.SysProcAttr = EndWithParent(c.Attributes)

	if err := command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", c.name(), err), output.file.Close())
	}

	p := &Process{config: c, command: command, output: output, ended: make(chan struct{})}
	go func() {
		_ = command.Wait() // ProcessState says how it ended
		close(p.ended)
	}()
	return p, nil
}

// PID returns the process id.
func (p *Process) PID() int { return p.command.Process.Pid }

// Ended returns a channel that is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// HasEnded reports whether the process has ended.
func (p *Process) HasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Wait waits until the process ends by itself and returns its exit code: -1 when a signal
// ended it. It returns ctx's error, and leaves the process alone, when that ends first.
func (p *Process) Wait(ctx context.Context) (exitCode int, err error) {
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s still runs: %w%s", p.config.name(), ctx.Err(), p.tail())
	}
}

// Signal sends a signal; to a process that has ended it does nothing.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.config.name(), err)
	}
	return nil
}

// Pause stops the process where it is, until Resume.
func (p *Process) Pause() error { return p.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }

// Kill ends the process as a power cut would look to it, paused or not, and returns when it
// has ended.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // it fails for nobody's child but ours
	<-p.ended
}

// Stop asks the process to stop and returns its exit code. When it still runs after limit it
// is killed, and the error is ErrNotStopped.
func (p *Process) Stop(limit time.Duration) (exitCode int, err error) {
	if err := p.Signal(cmp.Or(p.config.StopSignal, syscall.SIGTERM)); err != nil {
		return 0, err
	}

	timer := time.NewTimer(limit)
	defer timer.Stop()

	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode(), nil
	case <-timer.C:
		p.Kill()
		return -1, fmt.Errorf("%s: %w (%v)%s", p.config.name(), ErrNotStopped, limit, p.tail())
	}
}
