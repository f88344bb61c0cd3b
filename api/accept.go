package api

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// acceptPause is how long nobody is accepted when files or memory are short.
const acceptPause = 50 * time.Millisecond

// patientListener goes on when files or memory are short for a moment. The HTTP
// library takes that for the end of its listener, and a server whose buyers' listener
// has ended stops: who opens enough connections would end the sale.
type patientListener struct {
	net.Listener
	logger *slog.Logger
	short  *atomic.Uint64 // how often
	warned time.Time
}

// Accept returns the next connection, or an error that is final.
func (l *patientListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err == nil || !isShortage(err) {
			return conn, err
		}
		l.short.Add(1)
		if now := time.Now(); now.Sub(l.warned) > time.Minute {
			l.warned = now
			l.logger.Error("cannot accept buyers' connections for now", "error", err)
		}
		time.Sleep(acceptPause)
	}
}

func isShortage(err error) bool {
	for _, shortage := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, shortage) {
			return true
		}
	}
	return false
}
