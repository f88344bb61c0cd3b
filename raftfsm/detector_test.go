package raftfsm

import (
	"net"
	"sync/atomic"
	"testing"

	"onsale/raftfsm/peer"
)

// Only a machine that runs, and on which nobody listens, says that a process is gone.
func TestPortIsGone(t *testing.T) {
	d := &failureDetector{life: newLifecycle(nil)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 100)
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
			asked <- struct{}{}
		}
	}()
	address := listener.Addr().String()
	if d.portIsGone(address) {
		t.Error("a port is gone on which somebody listens")
	}
	for range suspectAttempts { // each attempt was one
		<-asked
	}
	listener.Close()
	<-accepted
	if !d.portIsGone(address) {
		t.Error("a port on which nobody listens is not gone")
	}
	if d.portIsGone("127.0.0.1:no port") {
		t.Error("an address that is none is taken for a process that is gone")
	}
}

// Who stands for election first follows from the ids of the voters that are left.
func TestTurns(t *testing.T) {
	c := newCluster(t, nil)
	defer c.close()
	for i, n := range c.nodes {
		eventually(t, "three members are known", func() bool { return len(n.membership.List()) == 3 })
		for gone, want := range map[string]int{"": i, "n1": i - 1, "n3": map[bool]int{true: -1, false: i}[i == 2], "nobody": i} {
			if got := n.detector.turnAfter(gone); got != want {
				t.Errorf("%s, after %q: %d, want %d", n.config.NodeID, gone, got, want)
			}
		}
	}
	leader := c.nodes[c.leader()]
	for _, n := range c.nodes {
		eventually(t, "the leader is known", func() bool { _, id := n.raft.LeaderWithID(); return id != "" })
	}
	if leader.Leads() && (leader.detector.anotherLeads(leader.config.NodeID) || !leader.detector.anotherLeads("nobody")) {
		t.Error("who leads is not known for the leader")
	}
}

// The end of a connection is told once, and nothing else is told.
func TestWatchedConn(t *testing.T) {
	near, far := net.Pipe()
	var told atomic.Int32
	c := &watchedConn{Conn: &peer.Conn{Conn: near}, ended: func() { told.Add(1) }}
	go func() { _, _ = far.Write([]byte("x")) }()
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil || told.Load() != 0 {
		t.Errorf("%d bytes, %v, told %d times", n, err, told.Load())
	}
	far.Close()
	for range 3 {
		if _, err := c.Read(make([]byte, 1)); err == nil || told.Load() != 1 {
			t.Errorf("%v, told %d times", err, told.Load())
		}
	}
	near.Close()
}
