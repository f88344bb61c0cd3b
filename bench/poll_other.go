//go:build !linux

package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// poller waits for many connections at once, by poll: each wait costs as much as there
// are connections, so that a load of thousands measures itself. Figures come from Linux.
type poller struct{ numbers map[int]int } // by file

func newPoller() (*poller, error) { return &poller{map[int]int{}}, nil }

// add waits for a connection too; wait tells its number.
func (p *poller) add(fd, number int) error { p.numbers[fd] = number; return nil }

// remove is called before a connection is closed.
func (p *poller) remove(fd int) { delete(p.numbers, fd) }

// wait returns the numbers of connections that have something to read, after limit at the
// latest.
func (p *poller) wait(limit time.Duration) (ready []int, err error) {
	var files []unix.PollFd
	for fd := range p.numbers {
		files = append(files, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if _, err = unix.Poll(files, int((limit + time.Millisecond - 1).Milliseconds())); err != nil {
		return nil, err
	}
	for _, file := range files {
		if file.Revents != 0 {
			ready = append(ready, p.numbers[int(file.Fd)])
		}
	}
	return ready, nil
}

func (p *poller) close() {}
