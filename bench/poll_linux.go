package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// poller waits for many connections at once, by epoll.
type poller struct {
	epoll  int
	events [eventsMax]unix.EpollEvent
	ready  []int
}

func newPoller() (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &poller{epoll: epoll}, err
}

// add waits for a connection too; wait tells its number.
func (p *poller) add(fd, number int) error {
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(number)})
}

// remove is called before a connection is closed, which is enough for the kernel.
func (p *poller) remove(int) {}

// wait returns the numbers of connections that have something to read, after limit at the
// latest. They are the caller's until the next wait.
func (p *poller) wait(limit time.Duration) ([]int, error) {
	p.ready = p.ready[:0]
	if limit%time.Millisecond != 0 { // epoll's own time-out is too coarse
		timeout := unix.NsecToTimespec(int64(limit))
		if _, err := unix.Ppoll([]unix.PollFd{{Fd: int32(p.epoll), Events: unix.POLLIN}}, &timeout, nil); err != nil {
			return nil, err
		}
		limit = 0
	}
	n, err := unix.EpollWait(p.epoll, p.events[:], int(limit.Milliseconds()))
	for i := range max(n, 0) {
		p.ready = append(p.ready, int(p.events[i].Fd))
	}
	return p.ready, err
}

func (p *poller) close() { _ = unix.Close(p.epoll) }
