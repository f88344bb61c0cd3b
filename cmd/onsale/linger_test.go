package main

import (
	"net"
	"testing"
	"time"

	"onsale/proof/testenv"
)

// Connections on which nothing, or half a request, was ever sent do not keep a
// node that is told to stop: browsers, probes and HTTP clients open such ones.
// The buyers' listener gives half a request as long as a request may take to arrive.
func TestStopDespiteSilentConnections(t *testing.T) {
	testenv.TakesLong(t, "it waits for connections on which nothing comes")
	t.Parallel()
	private := func(n *testNode) string { return n.private }
	buyers := func(n *testNode) string { return n.http }
	for _, c := range []struct {
		what, sent string
		address    func(*testNode) string
		limit      time.Duration
	}{
		{"private, nothing sent", "", private, 3 * time.Second},
		{"private, half a request", "GET /livez HTTP/1.1\r\nHost:", private, 3 * time.Second},
		{"buyers', nothing sent", "", buyers, 3 * time.Second},
		{"buyers', half a request", "GET /v1/tickets HTTP/1.1\r\nHost:", buyers, drainTimeout},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			var took []time.Duration
			for range 5 { // what a connection holds up it holds up each time; a busy machine does not
				took = append(took, stopWith(t, c.sent, c.address))
				if took[len(took)-1] <= c.limit {
					return
				}
			}
			t.Errorf("stopping took %v", took)
		})
	}
}

// stopWith stops a node that has an open connection, and returns how long it took.
func stopWith(t testing.TB, sent string, address func(*testNode) string) time.Duration {
	t.Helper()
	n := newNodes(t, 1)[0]
	n.start()
	leaderAmong(t, []*testNode{n})
	conn, err := net.Dial("tcp", address(n))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(sent)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // accepted, and read
	began := time.Now()
	n.stop()
	return time.Since(began)
}
