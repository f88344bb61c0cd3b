package raftfsm

import (
	"errors"

	"github.com/hashicorp/raft"

	"onsale/sequencer"
)

// Close answers everybody who waits, stops raft and closes the logs. What was
// answered is on disk; what was not taken is told so.
func (n *Node) Close() error {
	err := sequencer.ErrStopping
	n.closed.Do(func() { err = n.close() })
	return err
}

func (n *Node) close() error {
	n.HandOver()
	return n.halt()
}

// halt stops the node where it stands. Everything that was proposed is answered
// before raft stops: raft v1.8.0 never answers what it had queued when it stopped,
// and who waits for that waits for ever. A leader without a quorum answers when its
// lease ends.
func (n *Node) halt() error {
	close(n.life.stop)
	n.inbox.Shut(sequencer.ErrStopping)
	n.batcher.close()
	n.following.Wait()
	n.inbox.Shut(sequencer.ErrStopping) // a leader that took office meanwhile opened it
	err := n.raft.Shutdown().Error()
	if n.port != nil {
		err = errors.Join(err, n.port.Close())
	}
	n.life.finished.Wait()
	return errors.Join(err, n.closeStores())
}

// HandOver lets another node lead, when there is one that can. A node that stops
// does it first: its cluster goes on at once instead of after an election timeout.
func (n *Node) HandOver() {
	others := []string{""} // raft's own choice first; it may be a node that is down
	for _, m := range n.Members() {
		if m.Voter && m.ID != n.config.NodeID {
			others = append(others, m.ID)
		}
	}
	if len(others) == 1 || !n.Leads() || n.raft.VerifyLeader().Error() != nil {
		return // nobody to hand over to, or nobody who hears it
	}
	for _, id := range others {
		err := n.TransferLeadership(id)
		if err == nil || !n.Leads() {
			return
		}
		n.config.Logger.Warn("could not hand over the leadership before stopping", "error", err)
	}
}

func (n *Node) closeStores() error {
	var errs []error
	if closer, ok := n.trans.(raft.WithClose); ok {
		errs = append(errs, closer.Close())
	}
	if n.port != nil {
		errs = append(errs, n.port.Close())
	}
	if n.data != nil {
		errs = append(errs, n.data.Close())
	}
	return errors.Join(errs...)
}
