package api

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// shortListener cannot accept for some times.
type shortListener struct {
	net.Listener
	failures atomic.Int32
}

func (l *shortListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// A server that cannot open files for a moment goes on when it can again.
func TestShortageOfFiles(t *testing.T) {
	f := serve(t)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	short := &shortListener{Listener: inner}
	short.failures.Store(3)
	metrics := NewMetrics(f.tokens)
	p, err := NewPublic(testConfig(), f.served, f.tokens, metrics)
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(short) }()
	f.call("GET", inner.Addr().String(), "/v1/tickets", "", "").want(200, "")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	must(t, p.Shutdown(ctx))
	must(t, <-ended)
	if p.short.Load() != 3 {
		t.Errorf("%d shortages", p.short.Load())
	}
}
