package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"onsale/internal/failpoint"
)

// stopTime is how long a process may take to stop when it is told to.
const stopTime = 20 * time.Second

// process is one program on one host. It is started, killed and started again.
type process struct {
	name    string
	host    *host
	program string
	args    []string
	logPath string
	// pointFile arms failpoints of a program that has them.
	pointFile string
	// clockFile moves its clock.
	clockFile string

	mu      sync.Mutex
	command *exec.Cmd
	dead    chan struct{} // closed when it has ended
	paused  bool
	starts  int
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	p.command = exec.Command("ip", append([]string{"netns", "exec", p.host.namespace, p.program}, p.args...)...) //nolint:gosec // our own words
	p.command.Stdout, p.command.Stderr = log, log
	p.command.Env = append(os.Environ(), failpoint.Variable+"="+p.pointFile, failpoint.ClockVariable+"="+p.clockFile)
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // never left behind
	if err := p.command.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	p.starts++
	dead, command := make(chan struct{}), p.command
	p.dead, p.paused = dead, false
	go func() {
		_ = command.Wait() // how it ended is told by what it did
		log.Close()
		close(dead)
	}()
	return nil
}

func (p *process) pid() int { return p.command.Process.Pid }

func (p *process) signal(s syscall.Signal) error {
	if p.isDead() {
		return nil
	}
	if err := p.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// kill ends the process as a power cut would look to it.
func (p *process) kill() error {
	err := p.signal(syscall.SIGKILL)
	if p.dead != nil {
		<-p.dead
	}
	return err
}

// stop ends the process as an operator does.
func (p *process) stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.dead:
		return nil
	case <-time.After(stopTime):
		return errors.Join(fmt.Errorf("%s did not stop within %v", p.name, stopTime), p.kill())
	}
}

// isDead reports whether the process does not run. It may be asked while it is started.
func (p *process) isDead() bool {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	if dead == nil {
		return true
	}
	select {
	case <-dead:
		return true
	default:
		return false
	}
}
