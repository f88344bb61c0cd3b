//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// process is a program on a machine, under a supervisor: when it ends by itself it is
// started again.
type process struct {
	*machine
	args    func() []string // as they are now: addresses change
	program string
	log     string

	state   sync.Mutex
	command *exec.Cmd     // nil while it is meant to be down
	ended   chan struct{} // closed when command has ended
	fell    func(name string, code int)
}

// start starts the program and supervises it, unless it runs.
func (p *process) start() error {
	p.state.Lock()
	defer p.state.Unlock()
	if p.command != nil {
		return nil
	}
	return p.launch()
}

func (p *process) launch() error {
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // the child has its own
	args := append([]string{"netns", "exec", p.space(), p.program}, p.args()...)
	c := exec.Command("ip", args...)
	c.Stdout, c.Stderr = file, file
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	p.command, p.ended = c, make(chan struct{})
	go p.watch(c, p.ended)
	return nil
}

// restartPause is how long a supervisor waits before it starts again what ended.
const restartPause = 300 * time.Millisecond

func (p *process) watch(c *exec.Cmd, ended chan struct{}) {
	_ = c.Wait() // ProcessState says how it ended
	close(ended)
	time.Sleep(restartPause)
	p.state.Lock()
	defer p.state.Unlock()
	if p.command != c {
		return // it was meant to
	}
	p.fell(p.name, c.ProcessState.ExitCode())
	if err := p.launch(); err != nil {
		p.command = nil
	}
}

// signal sends a signal to the process, if it runs.
func (p *process) signal(s syscall.Signal) {
	p.state.Lock()
	defer p.state.Unlock()
	if p.command != nil {
		_ = p.command.Process.Signal(s) // it may have ended
	}
}

// stopMax is how long a process may take to stop.
const stopMax = 30 * time.Second

// down ends the process by a signal and reports whether it ended in time; else it is killed.
func (p *process) down(s syscall.Signal) bool {
	p.state.Lock()
	c, ended := p.command, p.ended
	p.command = nil
	p.state.Unlock()
	if c == nil {
		return true
	}
	_ = c.Process.Signal(s) // it may have ended
	select {
	case <-ended:
		return true
	case <-time.After(stopMax):
		_ = c.Process.Kill() // as above
		<-ended
		return false
	}
}

// disk is a small file system in memory.
type disk struct{ path string }

const diskBytes = 640 << 20

func newDisk(path string) (*disk, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, err
	}
	return &disk{path}, run(fmt.Sprintf("mount -t tmpfs -o size=%d tmpfs %s", diskBytes, path))
}

func (d *disk) close() { _ = run("umount " + d.path) } // what is left is said by `mount`

func (d *disk) filler() string { return filepath.Join(d.path, "filler") }

// fill leaves so many bytes.
func (d *disk) fill(left int64) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.path, &s); err != nil {
		return err
	}
	size := int64(s.Bavail)*s.Bsize - left
	if size <= 0 {
		return nil
	}
	file, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()               // nothing of it matters
	_ = syscall.Fallocate(int(file.Fd()), 0, 0, size) // the node writes meanwhile: what there is will do
	return nil
}

func (d *disk) free() error {
	if err := os.Remove(d.filler()); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
