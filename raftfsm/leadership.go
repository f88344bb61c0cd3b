package raftfsm

import (
	"errors"
	"time"

	"onsale/internal/failpoint"
	"onsale/sequencer"
)

// barrierTimeout bounds the wait for earlier terms' entries to be applied. It is
// retried while this node leads.
const barrierTimeout = 10 * time.Second

// followLeadership opens the inbox when this node takes office and shuts it when
// it loses it. Until the barrier of the new term was applied, nothing is taken:
// raft tells that a node leads before its state has everything that is committed.
func (n *Node) followLeadership() {
	for {
		select {
		case <-n.life.stop:
			return
		case leads := <-n.leader:
			if leads {
				n.takeOffice()
			} else {
				n.leaveOffice()
			}
		}
	}
}

func (n *Node) takeOffice() {
	for {
		err := n.raft.Barrier(barrierTimeout).Error()
		if err == nil {
			break
		}
		n.config.Logger.Warn("leader could not apply its log yet", "error", err)
		time.Sleep(watchInterval) // for raft to say that the office is lost, if it is
		if n.life.stopping() || len(n.leader) > 0 {
			return
		}
	}
	failpoint.Hit(failpoint.TakeOffice)
	_, reached, _ := n.machine.stateHash()
	n.clock.takeOffice(reached)
	n.counters.elections.Add(1)
	if n.life.stopping() || n.life.broken() {
		return
	}
	n.config.Logger.Info("this node leads", "node", n.config.NodeID, "term", n.raft.CurrentTerm())
	n.inbox.Open()
	n.batcher.leading.Store(true)
	n.inbox.Wake()
}

func (n *Node) leaveOffice() {
	n.batcher.leading.Store(false)
	if n.life.stopping() {
		return
	}
	n.inbox.Shut(sequencer.ErrNoLeader)
	n.config.Logger.Info("this node does not lead any more", "node", n.config.NodeID)
}

// watchInterval is how often the watchdog looks.
const watchInterval = 50 * time.Millisecond

// watch ends the process when storing the log hangs, raises the alarm when the
// wall clock leaves the log's time, and takes snapshots by the log's length: raft
// itself looks only every 20 to 40 seconds, in which a log can grow by several times
// what a restart should have to read.
func (n *Node) watch() {
	ticker := time.NewTicker(min(watchInterval, n.config.StallMax/2))
	defer ticker.Stop()
	alarmed := false
	for {
		select {
		case <-n.life.stop:
			return
		case <-ticker.C:
		}
		n.checkStall()
		alarmed = n.checkClock(alarmed)
		n.clockAlarm.Store(alarmed)
		if n.raft.LastIndex() > 0 {
			if err := n.data.Owner.MarkStarted(); err != nil {
				n.life.fatal(err)
			}
		}
		n.snapshotWhenDue()
	}
}

// snapshotWhenDue begins a snapshot when a restart would have too much to replay.
func (n *Node) snapshotWhenDue() {
	if n.life.broken() {
		return
	}
	entries, bytes := n.machine.sinceSnapshot()
	if entries <= n.config.SnapshotEntries && bytes <= n.config.SnapshotBytes || !n.snapshotting.CompareAndSwap(false, true) {
		return
	}
	n.life.finished.Go(func() {
		defer n.snapshotting.Store(false)
		if err := n.Snapshot(); err != nil && !n.life.stopping() {
			n.config.Logger.Error("snapshot failed", "error", err)
		}
	})
}

// errStalled is what a hung disk ends the process with.
var errStalled = errors.New("storing the raft log hangs")

func (n *Node) checkStall() {
	if n.data.Log.Storing() > n.config.StallMax {
		n.life.fatal(errStalled)
	}
}

func (n *Node) checkClock(alarmed bool) bool {
	if !n.batcher.leading.Load() {
		return false
	}
	off := n.clock.disagreement()
	wrong := off > ClockAlarm || off < -ClockAlarm
	if wrong && !alarmed {
		n.counters.clockAlarms.Add(1)
		n.config.Logger.Error("the wall clock left the log's time; the log's time goes on", "ahead_seconds", off.Seconds())
	}
	return wrong
}
