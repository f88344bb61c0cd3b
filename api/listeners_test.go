package api

import (
	"context"
	"net"
	"testing"
	"time"

	"onsale/api/apitest"
)

// A listener that comes when the server stops, or later, is closed and not served: who
// stops a process right after its start would wait for it indefinitely.
func TestServeBesideShutdown(t *testing.T) {
	tokens := apitest.Verifier(t)
	for round := range 40 {
		public, err := NewPublic(testConfig(), oneCluster{}, tokens, NewMetrics(tokens))
		must(t, err)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		served := make(chan error, 1)
		if round%2 == 0 {
			must(t, public.Shutdown(ctx)) // before
		}
		go func() { served <- public.Serve(listener) }()
		if round%2 == 1 {
			must(t, public.Shutdown(ctx)) // at any time
		}
		select {
		case err := <-served:
			must(t, err)
		case <-ctx.Done():
			t.Fatal("a listener is served after the shutdown")
		}
		cancel()
		if conn, err := net.Dial("tcp", listener.Addr().String()); err == nil {
			conn.Close()
			t.Fatal("the listener is still open")
		}
	}
}
