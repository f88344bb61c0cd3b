package peer

import "net"

// judge decides about a caller. Raft is for nodes of this very cluster; a node or
// a front-end that knows no cluster yet may ask. What a caller says of clusters and starts
// counts only when it is who it says it is.
func (l *Listener) judge(conn net.Conn, caller, own *hello, proven bool) verdict {
	service := Service(caller.word)
	switch {
	case service != Raft && service != Forward && service != Greet:
		return refused
	case !proves(&l.config, conn, caller):
		return otherNode
	case !proven:
		return unproven
	}
	if word := l.judgeCluster(caller, own); word != welcome {
		return word
	}

	belongs := len(own.births) > 0 && caller.births.Newest() == own.births.Newest()
	behind := levels(own, caller)
	switch {
	case service == Raft && (caller.role != Node || !belongs):
		return refused
	case caller.role == FrontEnd && own.keys[0] != 0 && caller.keys[0] == 0:
		return namesInClear
	case behind != nil:
		l.config.fenceBelow(caller, behind)
		return olderLevel
	case caller.role == Node && belongs:
		return l.judgeStart(caller)
	}
	return welcome
}

// judgeCluster decides about a caller's cluster. A front-end, or reader, that knows an older one is let
// in: the answer tells it that there is a newer one. One that knows a newer one is not,
// and means nothing beyond that.
func (l *Listener) judgeCluster(caller, own *hello) verdict {
	switch own.births.RelationOf(caller.births) {
	case Unknown, Same:
		return welcome
	case Older:
		if caller.role != Node {
			return welcome
		}
		return superseded
	case Newer:
		l.config.fence(caller, ErrSuperseded)
		return olderCluster
	case Parted:
		l.config.fence(caller, ErrParted)
		return parted
	}
	return otherCluster
}

// judgeStart decides about a node of this cluster: of two processes with one id the one
// that was started later goes on. One with this node's own id replaces this process.
func (l *Listener) judgeStart(caller *hello) verdict {
	if caller.id == l.config.ID && caller.start > l.config.Start {
		l.config.fence(caller, ErrReplaced)
		return refused // this process ends
	}
	if caller.id == l.config.ID && caller.start < l.config.Start || !l.config.Starts.Note(caller.id, caller.start) {
		return replaced
	}
	return welcome
}

// note remembers a node's connection, and ends those of processes that were started with its
// id before: they are refused when they come again, and so hear of it.
func (l *Listener) note(conn *countedConn, is *Identity) {
	if is.Role != Node || is.Start == 0 {
		return
	}
	var ended []*countedConn
	l.mu.Lock()
	l.nodes[conn] = started{is.ID, is.Start}
	for other, of := range l.nodes {
		if of.id == is.ID && of.start < is.Start {
			ended = append(ended, other)
		}
	}
	l.mu.Unlock()
	for _, other := range ended {
		_ = other.Close() // its process was replaced
	}
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	owner  *Listener
	closed bool // under the owner's lock
}

func (c *countedConn) Close() error {
	c.owner.mu.Lock()
	if !c.closed {
		c.closed = true
		c.owner.open.Add(-1)
		delete(c.owner.nodes, c)
	}
	c.owner.mu.Unlock()
	return c.Conn.Close()
}
