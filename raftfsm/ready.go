package raftfsm

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// Check is one line of a readiness report.
type Check struct {
	Name string
	Err  error // nil when all is well
	// Warning says that the node may get traffic although something is not well.
	Warning bool
}

var (
	errNoLeader = errors.New("no leader is known")
	errBehind   = errors.New("applying committed entries")
	errUnheard  = errors.New("the leader has not said how far it is")
)

const (
	// appliedLagMax is how many entries that the leader has committed a ready node may
	// still have to apply: four appends. All that was committed transport.HeardAge ago it
	// must have applied.
	appliedLagMax = 256
	// silentMax is for how long a ready node may not hear how far the leader is. One that
	// gets the log hears it twice in each Config.CommitTimeout; one that raft waits with,
	// or that is sent a snapshot, does not.
	silentMax = 2 * time.Second
)

// Ready says whether this node should get traffic, and if not, why.
func (n *Node) Ready() []Check {
	checks := []Check{{Name: "leader"}, {Name: "log"}, {Name: "journal"}, {Name: "applied"}, {Name: "alive"}, n.checkDisk(), n.checkStalls()}
	if _, id := n.raft.LeaderWithID(); id == "" {
		checks[0].Err = errNoLeader
	}
	checks[1].Err, checks[2].Err = n.data.Log.Wal().Err(), n.data.Journal.Err()
	checks[3].Err = n.checkApplied(time.Now())
	if failure := n.life.failure.Load(); failure != nil {
		checks[4].Err = *failure
	}
	checks = append(checks, Check{Name: "lineage", Err: n.fence.err()})
	return append(checks, Check{Name: "clock", Warning: true, Err: n.watchdog.clockError()})
}

// checkApplied says by how much this node is behind the leader; nil when it shows what the
// leader decided a moment ago. The commit index of this node's own raft is no measure: one
// that comes back has heard of nothing since.
func (n *Node) checkApplied(now time.Time) error {
	applied, heard, leads := n.machine.appliedIndex(n.raft), n.heard.Newest(), n.raft.State() == raft.Leader
	committed := n.LeaderCommitIndex()
	if leads && !n.Leads() {
		return errBehind
	}
	if committed > applied+appliedLagMax || !leads && n.heard.Before() > applied {
		return fmt.Errorf("%w: at least %d of the leader's are not applied here%s", errBehind, committed-applied, n.undecided(heard.Seq))
	}
	if _, leader := n.raft.LeaderWithID(); leads || leader == "" {
		return nil
	}

	switch silent := now.Sub(heard.At); {
	case heard.At.IsZero():
		return errUnheard
	case silent > silentMax+2*n.config.CommitTimeout:
		return fmt.Errorf("%w for %v", errUnheard, silent.Round(time.Millisecond))
	}
	return nil
}

// undecided says how many decisions that is, when the leader's status said how far it is.
func (n *Node) undecided(decided uint64) string {
	shown := n.AppliedSeq()
	if decided <= shown {
		return ""
	}
	return fmt.Sprintf("; the leader has decided %d requests, this node %d", decided, shown)
}

// HearLeader takes in how far a leader is, by its status.
func (n *Node) HearLeader(commitIndex, seq uint64) { n.heard.Note(commitIndex, seq, time.Now()) }

// LeaderCommitIndex returns the highest raft index that is known here to be committed.
func (n *Node) LeaderCommitIndex() uint64 { return max(n.raft.CommitIndex(), n.heard.Newest().Index) }

// checkStalls fails while the disk or the decisions hang; a snapshot that hangs keeps nobody
// waiting.
func (n *Node) checkStalls() Check {
	is := n.watchdog.stalls.hanging()
	if is == nil {
		return Check{Name: "stalls"}
	}
	return Check{Name: "stalls", Err: stalledError(is.Part, time.Since(is.Since)), Warning: is.Part == partSnapshot}
}

// checkDisk warns: other nodes would take no more buys than this one, and payments go on.
func (n *Node) checkDisk() Check {
	is, err := n.Disk()
	if err == nil {
		err = is.Err()
	}
	return Check{Name: "disk", Err: err, Warning: true}
}
