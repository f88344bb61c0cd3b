package raftfsm

import (
	"net"
	"sync"
)

// connections are raft's, of both directions: a node that must take no part in raft any
// more ends them all.
type connections struct {
	mu   sync.Mutex
	open map[*raftConn]struct{}
	why  error // they were cut; nil while new ones may be made
}

// raftConn is one of them.
type raftConn struct {
	net.Conn
	of *connections
}

// Close ends the connection.
func (c *raftConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// add takes a connection, and closes it when they were cut: then it returns why.
func (c *connections) add(conn net.Conn) (*raftConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		conn.Close()
		return nil, c.why
	}
	added := &raftConn{conn, c}
	if c.open == nil {
		c.open = map[*raftConn]struct{}{}
	}
	c.open[added] = struct{}{}
	return added, nil
}

// wasCut returns why no connections can be made; nil while they can.
func (c *connections) wasCut() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// cut ends all connections, and lets none be made from now on.
func (c *connections) cut(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.why = why
	for conn := range c.open {
		conn.Conn.Close()
	}
	c.open = nil
}
