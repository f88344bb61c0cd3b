package raftfsm

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/peer"
)

// A leader whose process died is noticed before any election timeout: its
// connections end at once, and its port refuses new ones. Nothing but a machine
// that runs and has no such process answers so, so a follower does not wait for
// the timeout then. Raft's safety does not depend on when somebody stands for
// election. A machine that died, or a network that is cut, refuses nothing: there
// the timeouts decide as ever.

// watchedConn tells when a connection ended.
type watchedConn struct {
	*peer.Conn
	once  sync.Once
	ended func()
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.once.Do(c.ended)
	}
	return n, err
}

const (
	// suspectTimeout bounds the question whether a port still listens.
	suspectTimeout = 100 * time.Millisecond
	// suspectAttempts is how often it is asked, suspectPause how long between.
	suspectAttempts = 5
	suspectPause    = 5 * time.Millisecond
	// suspectStagger is how long each next follower waits for the one before it:
	// two who stand at once may split the votes.
	suspectStagger = 60 * time.Millisecond
)

// suspect looks after a node whose connection ended: when it led and its
// process is gone, this node stands for election in its turn.
func (n *Node) suspect(id string) {
	address := n.addressOf(id)
	if address == "" || id == n.config.NodeID || n.anotherLeads(id) || n.life.stopping() {
		return
	}
	if !n.suspecting.CompareAndSwap(false, true) {
		return // each of its connections ends
	}
	n.life.finished.Go(func() {
		defer n.suspecting.Store(false)
		turn := n.turnAfter(id)
		if turn < 0 || !n.portIsGone(address) {
			return
		}
		n.life.wait(time.Duration(turn) * suspectStagger)
		if !n.anotherLeads(id) && n.raft.State() == raft.Follower && !n.life.stopping() && !n.life.broken() {
			n.config.Logger.Info("the leader's process is gone; standing for election", "leader", id)
			n.stand()
			n.life.wait(suspectStagger) // what else ends meanwhile is the same death
		}
	})
}

// portIsGone reports whether nobody listens at an address any more. A process that
// dies closes what it has open one after the other, so it is asked more than once.
func (n *Node) portIsGone(address string) bool {
	for range suspectAttempts {
		conn, err := net.DialTimeout("tcp", address, suspectTimeout)
		if err != nil {
			return errors.Is(err, syscall.ECONNREFUSED)
		}
		conn.Close()
		n.life.wait(suspectPause)
	}
	return false
}

// anotherLeads reports whether a node other than id is known to lead. That nobody
// is known to is no reason to wait: a follower that stood before this one and had
// an older log has made all forget who led.
func (n *Node) anotherLeads(id string) bool {
	_, leader := n.raft.LeaderWithID()
	return leader != "" && string(leader) != id
}

// addressOf returns where a member is; "" when it is none.
func (n *Node) addressOf(id string) string {
	for _, m := range n.Members() {
		if m.ID == id {
			return m.Address
		}
	}
	return ""
}

// turnAfter returns this node's place among the voters but one; -1 without a vote.
func (n *Node) turnAfter(gone string) int {
	var voters []string
	for _, m := range n.Members() {
		if m.Voter && m.ID != gone {
			voters = append(voters, m.ID)
		}
	}
	slices.Sort(voters)
	return slices.Index(voters, n.config.NodeID)
}

// electItself makes the only voter of a cluster stand for election at once: it has
// nobody to wait for.
func (n *Node) electItself() {
	for _, m := range n.Members() {
		if m.Voter && m.ID != n.config.NodeID {
			return
		}
	}
	if n.turnAfter("") == 0 && n.port != nil && n.raft.State() == raft.Follower {
		n.stand()
	}
}

// stand makes this node a candidate now. It is raft's own message for a transfer of
// leadership, sent to itself: the others vote although they heard a leader lately.
func (n *Node) stand() {
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax,
		ID: []byte(n.config.NodeID), Addr: []byte(n.address)}}
	err := n.trans.TimeoutNow(raft.ServerID(n.config.NodeID), raft.ServerAddress(n.address), request, &raft.TimeoutNowResponse{})
	if err != nil && !n.life.stopping() { // it is elected after its timeout then
		n.config.Logger.Debug("could not stand for election at once", "error", fmt.Errorf("this node: %w", err))
	}
}
