package main

import (
	"os"
	"sync"
	"time"

	"onsale/internal/failpoint"
	"onsale/internal/procs"
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

	mu     sync.Mutex
	run    *procs.Process // the last one, nil before the first
	starts int
}

func (p *process) start() error {
	c := procs.Config{Name: p.name, Path: p.program, Args: p.args, LogPath: p.logPath,
		Env: append(os.Environ(), failpoint.Variable+"="+p.pointFile, failpoint.ClockVariable+"="+p.clockFile)}
	run, err := procs.Start(c.InNetwork(p.host.namespace))
	if err != nil {
		return err
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	p.run = run
	p.starts++
	return nil
}

// last returns the last run, nil before the first.
func (p *process) last() *procs.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// kill ends the process as a power cut would look to it.
func (p *process) kill() {
	if run := p.last(); run != nil {
		run.Kill()
	}
}

// stop ends the process as an operator does.
func (p *process) stop() error {
	_, err := p.last().Stop(stopTime) // how it ended is told by what it did
	return err
}

// pause stops the process where it is, and resume lets it go on.
func (p *process) pause() error { return p.last().Pause() }

func (p *process) resume() error { return p.last().Resume() }

// isDead reports whether the process does not run. It may be asked while it is started.
func (p *process) isDead() bool {
	run := p.last()
	return run == nil || run.HasEnded()
}
