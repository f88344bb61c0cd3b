package raftfsm

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/sequencer"
)

// A cluster's history begins with its birth, and one that was restored or recovered goes
// on with another (sequencer.Birth). The leader proposes it before it takes requests, so
// nothing else is decided under a cluster id whose birth is not in the log.
//
// What if we die here? The birth is in the log or it is not: the next leader looks at the
// state, which has everything committed, and proposes the same one again if it is not
// there. Its id and, of a restored cluster, its time are in NODE.json. If both attempts
// are committed, the second changes nothing.

// ErrBirth is returned when a node's log and its identity are of different clusters.
var ErrBirth = errors.New("the log is another cluster's")

// birthOf returns the command that a leader has to propose before anything else, nil for
// none: births are those of its state, whose last decision has seq.
func birthOf(is *folder.Identity, births []sequencer.Birth, seq uint64, now int64) (*sequencer.Command, error) {
	id := sequencer.ClusterID(is.Cluster())
	if n := len(births); n > 0 && births[n-1].Cluster == id {
		return nil, nil
	}

	c := &sequencer.Command{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest(id), Amount: now, Count: uint32(sequencer.BirthNew)}
	if is.Birth != nil {
		c.Amount, c.Count = is.Birth.Time, uint32(is.Birth.Cause)
	}
	if _, err := sequencer.NextBirth(births, seq, c); err != nil {
		return nil, fmt.Errorf("%w: this node belongs to cluster %s: %w", ErrBirth, is.ClusterID, err)
	}
	return c, nil
}

// ensureBirth commits the birth of this node's cluster unless the state has it. It is
// called by a leader that has applied everything committed and takes no requests yet: the
// birth is alone in its batch, and stamped with the log's last time, so that nothing falls
// due before it. After an error it may be called again.
func (l *leadership) ensureBirth() error {
	is, now := l.owner.Identity(), l.clock.clock.Now().UnixNano()
	var c *sequencer.Command
	var stamp int64
	var err error
	l.machine.read(func(s *sequencer.State) {
		stamp = s.Now()
		c, err = birthOf(&is, s.Births(), s.Seq(), now)
	})
	if err != nil || c == nil {
		return err
	}

	data := sequencer.AppendCommand(make([]byte, sequencer.BatchHeaderBytes), c)
	sequencer.PutBatchHeader(data, stamp, 1)
	l.machine.proposing.Add(1) // its decisions are this caller's
	defer l.machine.proposing.Add(-1)
	future := l.batcher.apply(raft.Log{Data: data})
	if err := l.await(func() raft.Future { return future }); err != nil {
		return err
	}
	d, err := decisionsOf(future)
	if err != nil {
		return err
	}
	if code := d.Results[0].Code; code != sequencer.CodeOK {
		return fmt.Errorf("%w: its birth was decided as %s", ErrBirth, code)
	}
	l.logger.Info("the cluster was born", "cluster", is.ClusterID, "cause", sequencer.BirthCause(c.Count).String(), "seq", d.FirstSeq)
	return nil
}

// Birth is one of a cluster's births as status and backups show it.
type Birth struct {
	ClusterID string    `json:"cluster_id"`
	Cause     string    `json:"cause"` // new, restore, recover or copy
	Time      time.Time `json:"time"`
	FirstSeq  uint64    `json:"first_seq"`
}

// BirthsOf returns a state's births, oldest first.
func BirthsOf(s *sequencer.State) []Birth {
	births := []Birth{}
	for _, b := range s.Births() {
		births = append(births, Birth{ClusterID: b.Cluster.String(), Cause: b.Cause.String(), Time: time.Unix(0, b.Time).UTC(), FirstSeq: b.FirstSeq})
	}
	return births
}

// Births returns the births of the cluster as of the last batch applied here, oldest first.
func (n *Node) Births() (births []sequencer.Birth) {
	n.machine.read(func(s *sequencer.State) { births = s.Births() })
	return births
}
