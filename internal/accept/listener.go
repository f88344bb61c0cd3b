package accept

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// pauseMin and pauseMax bound the pause after a failed accept, which doubles.
	pauseMin, pauseMax = time.Millisecond, 100 * time.Millisecond
	// logInterval is how often at most a listener logs that it cannot accept.
	logInterval = time.Second
)

// Listener accepts as the listener that it is made of does, and ends with it only: while
// the process or the system has no files or memory for one more connection, it waits.
type Listener struct {
	net.Listener
	name   string
	log    *slog.Logger
	closed chan struct{}
	once   sync.Once
	failed *atomic.Uint64

	// logged and unlogged belong to the goroutine that accepts.
	logged   time.Time
	unlogged uint64 // failures since
}

// Patient returns a listener that goes on. The name is the log's; failed counts how often
// there were no files or no memory for a connection.
func Patient(l net.Listener, name string, log *slog.Logger, failed *atomic.Uint64) *Listener {
	return &Listener{Listener: l, name: name, log: log, failed: failed, closed: make(chan struct{})}
}

// Accept returns the next connection; an error when the listener is closed, or broken.
// One goroutine calls it.
func (l *Listener) Accept() (net.Conn, error) {
	pause := pauseMin
	for {
		conn, err := l.Listener.Accept()
		if err == nil || !isScarcity(err) {
			return conn, err
		}
		l.note(err)

		select {
		case <-time.After(pause):
			pause = min(2*pause, pauseMax)
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close ends a pause too.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *Listener) note(err error) {
	l.failed.Add(1)
	l.unlogged++
	if now := time.Now(); now.Sub(l.logged) >= logInterval {
		l.log.Warn("no connection can be accepted now", "listener", l.name, "error", err, "times", l.unlogged)
		l.logged, l.unlogged = now, 0
	}
}

// isScarcity reports whether a later accept may do better.
func isScarcity(err error) bool {
	for _, scarce := range [...]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, scarce) {
			return true
		}
	}
	return false
}
