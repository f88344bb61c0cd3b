package raftfsm

import (
	"time"

	"github.com/hashicorp/raft"
)

// raft v1.8.0 looks whether the leader was heard when a random timer of one to two time-outs
// ends, which nothing that is heard begins anew: a leader that vanishes is missed after one
// to three time-outs. And who misses it first is refused by a follower whose timer goes on,
// and waits for one to two more. So a time-out that must be long, for a machine that is busy,
// cost five times its length. Here each follower looks when the time-out ends, and when
// another one asks whether it would be voted for (pre-vote): within lookMax all have let the
// leader go, and one of those with the longest log is elected at once. A follower that hears
// the leader refuses as ever.

const (
	// lookMax is for how long raft may take to look.
	lookMax = 10 * time.Millisecond
	// standMax is how long others take to promise their votes: who is not elected after that
	// was refused.
	standMax = 30 * time.Millisecond
)

// watchSilence looks after the leader until the node stops.
func (d *failureDetector) watchSilence() {
	for !d.life.stopping() {
		if left := d.config.HeartbeatTimeout - d.silence(); left > 0 {
			d.life.wait(left)
			continue
		}
		d.look(d.config.HeartbeatTimeout - 1) // shorter than usual: only then raft looks now
		d.life.wait(lookMax)
	}
}

// silence is for how long this node, which follows a leader, has not heard it; zero when it
// follows nobody.
func (d *failureDetector) silence() time.Duration {
	if _, leader := d.raft.LeaderWithID(); leader == "" || d.raft.State() != raft.Follower {
		return 0
	}
	return time.Since(d.raft.LastContact())
}

// follows reports whether raft follows in a term, or in a newer one.
func (n *Node) follows(term uint64) bool {
	select {
	case <-n.opened:
		return n.raft.State() == raft.Follower && n.raft.CurrentTerm() >= term
	default:
		return false // raft itself has just begun
	}
}

// asked takes up where a member that asks for a vote says that it is, and reports whether raft
// may say that it would vote for it.
func (n *Node) asked(by *raft.RequestPreVoteRequest) bool {
	select {
	case <-n.opened:
	default:
		return true // raft itself has just begun
	}
	n.membership.hear(string(by.ID), string(by.Addr))
	return n.detector.foretold(by)
}

// foretold looks after the leader when another member has not heard it for the time-out, and
// reports whether raft may say that it would vote for that one.
func (d *failureDetector) foretold(by *raft.RequestPreVoteRequest) bool {
	// The leader may have been heard here a little later: what counts is its own lease, after
	// which it has left its office.
	if d.silence() >= d.config.LeaseTimeout {
		d.look(d.config.LeaseTimeout)
	}
	return !d.isEqual(by) || string(by.ID) < d.config.NodeID
}

// isEqual reports whether this node has begun to stand as well, with as long a log as another
// one that does. They would promise each other their votes, and split them: the lower id goes
// first.
func (d *failureDetector) isEqual(other *raft.RequestPreVoteRequest) bool {
	var last raft.Log
	stood := d.stood.Load()
	return stood != nil && time.Since(*stood) < standMax && d.raft.State() == raft.Candidate && d.raft.LastIndex() == other.LastLogIndex &&
		d.log.GetLog(other.LastLogIndex, &last) == nil && last.Term == other.LastLogTerm
}

// look makes raft ask for an election now when it has not heard the leader for a time, which
// is shorter than its time-out.
func (d *failureDetector) look(silent time.Duration) {
	if !d.looking.TryLock() {
		return // it is being looked
	}
	defer d.looking.Unlock()
	now := time.Now()
	d.stood.Store(&now)
	c := d.raft.ReloadableConfig()
	c.HeartbeatTimeout = silent
	if err := d.raft.ReloadConfig(c); err != nil {
		d.config.Logger.Error("could not look after the leader", "error", err)
	}
	for end := time.Now().Add(lookMax); d.raft.State() == raft.Follower && time.Now().Before(end); {
		d.life.wait(time.Millisecond)
	}
	c.HeartbeatTimeout = d.config.HeartbeatTimeout
	if err := d.raft.ReloadConfig(c); err != nil {
		d.config.Logger.Error("could not look after the leader", "error", err)
	}
}
