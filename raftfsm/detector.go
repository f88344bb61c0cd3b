package raftfsm

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/store"
)

// A leader whose process died is noticed before any election timeout: its
// connections end at once, and its port refuses new ones. Nothing but a machine
// that runs and has no such process answers so, so a follower does not wait for
// the timeout then. Raft's safety does not depend on when somebody stands for
// election. A machine that died, or a network that is cut, refuses nothing: there
// the timeouts decide as ever.

// watchedConn tells when a connection ended.
type watchedConn struct {
	net.Conn
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
	suspectAttempts = 10
	suspectPause    = 10 * time.Millisecond
	// suspectStagger is how long each next follower waits at least for the one before it:
	// two who stand at once may split the votes, which costs an election time-out.
	suspectStagger = 60 * time.Millisecond
	// electionPatience is how long each waits for the one before it while that may win. It
	// covers the votes' way to a busy disk, on both.
	electionPatience = 250 * time.Millisecond
)

// failureDetector makes this node stand for election when the leader's process is gone.
type failureDetector struct {
	config     *Config
	address    string // where the peers reach this node
	life       *lifecycle
	raft       *raft.Raft
	transport  raft.Transport
	membership *Membership
	votes      *store.Votes
	log        *store.Log

	suspecting atomic.Bool               // a leader's death is being looked into
	looking    sync.Mutex                // held while raft's time-out is not the usual one
	stood      atomic.Pointer[time.Time] // when it was made to look last; nil before
}

// suspect looks after a node whose connection ended: when it led and its
// process is gone, this node stands for election in its turn.
func (d *failureDetector) suspect(id string) {
	address := d.membership.addressOf(id)
	if address == "" || id == d.config.NodeID || d.anotherLeads(id) || d.life.stopping() {
		return
	}
	if !d.suspecting.CompareAndSwap(false, true) {
		return // each of its connections ends
	}
	d.life.finished.Go(func() {
		defer d.suspecting.Store(false)
		turn := d.turnAfter(id)
		if turn < 0 || !d.portIsGone(address) {
			return
		}
		d.awaitTurn(time.Duration(turn))
		if !d.anotherLeads(id) && d.raft.State() == raft.Follower && !d.life.stopping() && !d.life.broken() {
			d.config.Logger.Info("the leader's process is gone; standing for election", "leader", id)
			d.stand()
			d.life.wait(suspectStagger) // what else ends meanwhile is the same death
		}
	})
}

// awaitTurn waits for those before this node to be elected. Nobody knows how long the others'
// logs are: one that stands with an older log is refused here, and is not waited for.
func (d *failureDetector) awaitTurn(turn time.Duration) {
	for began := time.Now(); !d.life.stopping(); d.life.wait(suspectPause) {
		waited := time.Since(began)
		if waited >= turn*electionPatience || waited >= turn*suspectStagger && d.refused() {
			return
		}
	}
}

// refused reports whether this node was asked for its vote and did not give it: nobody is
// known to lead, and there is no vote in the term.
func (d *failureDetector) refused() bool {
	if _, leader := d.raft.LeaderWithID(); leader != "" {
		return false
	}
	voted, err := d.votes.Voted()
	return err == nil && voted < d.raft.CurrentTerm()
}

// portIsGone reports whether nobody listens at an address any more. A process that
// dies closes what it has open one after the other, so it is asked more than once.
func (d *failureDetector) portIsGone(address string) bool {
	for range suspectAttempts {
		conn, err := net.DialTimeout("tcp", address, suspectTimeout)
		if err != nil {
			return errors.Is(err, syscall.ECONNREFUSED)
		}
		conn.Close()
		d.life.wait(suspectPause)
	}
	return false
}

// anotherLeads reports whether a node other than id is known to lead. That nobody
// is known to is no reason to wait: a follower that stood before this one and had
// an older log has made all forget who led.
func (d *failureDetector) anotherLeads(id string) bool {
	_, leader := d.raft.LeaderWithID()
	return leader != "" && string(leader) != id
}

// turnAfter returns this node's place among the voters but one; -1 without a vote.
func (d *failureDetector) turnAfter(gone string) int {
	var voters []string
	for _, m := range d.membership.List() {
		if m.Voter && m.ID != gone {
			voters = append(voters, m.ID)
		}
	}
	slices.Sort(voters)
	return slices.Index(voters, d.config.NodeID)
}

// electItself makes the only voter of a cluster stand for election at once: it has
// nobody to wait for.
func (d *failureDetector) electItself() {
	for _, m := range d.membership.List() {
		if m.Voter && m.ID != d.config.NodeID {
			return
		}
	}
	if d.turnAfter("") == 0 && d.raft.State() == raft.Follower {
		d.stand()
	}
}

// stand makes this node a candidate now. It is raft's own message for a transfer of
// leadership, sent to itself: the others vote although they heard a leader lately.
func (d *failureDetector) stand() {
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax,
		ID: []byte(d.config.NodeID), Addr: []byte(d.address)}}
	err := d.transport.TimeoutNow(raft.ServerID(d.config.NodeID), raft.ServerAddress(d.address), request, &raft.TimeoutNowResponse{})
	if err != nil && !d.life.stopping() { // it is elected after its timeout then
		d.config.Logger.Debug("could not stand for election at once", "error", fmt.Errorf("this node: %w", err))
	}
}
