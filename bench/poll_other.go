//go:build !linux

package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// poller waits for many connections at once, by poll: each wait costs as much as there
// are connections, so that a load of thousands measures itself. Figures come from Linux.
type poller struct {
	waited  []unix.PollFd
	numbers []int
	ready   []int
}

func newPoller() (*poller, error) { return new(poller), nil }

// add waits for a connection too; wait tells its number.
func (p *poller) add(fd, number int) error {
	p.waited = append(p.waited, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	p.numbers = append(p.numbers, number)
	return nil
}

// remove is called before a connection is closed; poll passes over what is negative.
func (p *poller) remove(fd int) {
	for i := range p.waited {
		if p.waited[i].Fd == int32(fd) {
			p.waited[i].Fd = -1
		}
	}
}

// wait returns the numbers of connections that have something to read, after so many
// milliseconds at the latest. They are the caller's until the next wait.
func (p *poller) wait(milliseconds int) ([]int, error) {
	_, err := unix.Poll(p.waited, milliseconds)
	p.ready = p.ready[:0]
	for i := range p.waited {
		if err == nil && p.waited[i].Revents != 0 {
			p.ready = append(p.ready, p.numbers[i])
		}
	}
	return p.ready, err
}

func (p *poller) close() {}

// sleep may end early.
func sleep(d time.Duration) { time.Sleep(d) }
