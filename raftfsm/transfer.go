package raftfsm

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// ErrTransfer is returned when the leadership was not handed over; the message says why.
var ErrTransfer = errors.New("the leadership was not handed over")

// transferWait bounds how long a transfer of leadership may take.
const transferWait = 5 * time.Second

// Transfer hands the leadership to a voter; "" takes the one that is furthest. It returns
// when another node leads. *sequencer.NotLeaderError, ErrNotMember, ErrTransfer.
func (m *Membership) Transfer(id string) error {
	if err := m.transfer(id); err != nil {
		return err
	}
	return m.untilFollowing()
}

// transfer lets another voter stand for election and returns when it does, or when this
// node does not lead any more. It takes an election timeout at most, and transferWait when raft
// hangs.
func (m *Membership) transfer(id string) error {
	if !m.leadership.leads() {
		return m.leadership.notLeader()
	}
	if id != "" {
		return m.handTo(id)
	}
	return m.handing(m.raft.LeadershipTransfer)
}

// handTo lets a voter lead after this node, which raft has elected and that may not be in
// office.
func (m *Membership) handTo(id string) error {
	address, err := m.voterAddress(id)
	if err != nil {
		return err
	}
	return m.handing(func() raft.Future { return m.raft.LeadershipTransferToServer(raft.ServerID(id), address) })
}

// handing returns when a transfer has come to something. raft gives it an election timeout;
// its own loop may hang.
func (m *Membership) handing(begin func() raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- begin().Error() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("%w: %w", ErrTransfer, err)
		}
		return nil
	case <-time.After(transferWait):
		return fmt.Errorf("%w: raft gives no answer", ErrTransfer)
	}
}

// untilFollowing waits until somebody else leads.
func (m *Membership) untilFollowing() error {
	for deadline := time.Now().Add(transferWait); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, id := m.raft.LeaderWithID(); id != "" && string(id) != m.config.NodeID && !m.leadership.leads() {
			return nil
		}
	}
	return fmt.Errorf("%w: nobody else leads after %v", ErrTransfer, transferWait)
}

// voterAddress returns where the membership has a voter that may lead after this node.
func (m *Membership) voterAddress(id string) (raft.ServerAddress, error) {
	if id == m.config.NodeID {
		return "", fmt.Errorf("%w: node %s leads already", ErrTransfer, id)
	}
	for _, member := range m.Recorded() {
		switch {
		case member.ID != id:
		case !member.Voter:
			return "", fmt.Errorf("%w: node %s has no vote; promote it first", ErrTransfer, id)
		default:
			return raft.ServerAddress(member.Address), nil
		}
	}
	return "", fmt.Errorf("%w: %q", ErrNotMember, id)
}

// handOver lets another node lead, when there is one that can. A node that stops does it
// first: its cluster goes on at once instead of after an election timeout. It ends when this
// node does not lead any more, whoever does then, or after an election timeout for each
// voter: when all nodes stop at once there is nobody who could take over, and no reason to
// wait.
func (m *Membership) handOver() {
	others := []string{""} // raft's own choice first; it may be a node that is down
	for _, member := range m.List() {
		if member.Voter && member.ID != m.config.NodeID {
			others = append(others, member.ID)
		}
	}
	if len(others) == 1 || !m.leadership.leads() {
		return // nobody to hand over to
	}

	for _, id := range others {
		err := m.transfer(id)
		if err == nil || !m.leadership.leads() {
			break // whoever stands now is elected in time, or nobody is
		}
		m.config.Logger.Warn("could not hand over the leadership before stopping", "error", err)
	}
	for deadline := time.Now().Add(m.config.ElectionTimeout); m.leadership.leads() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}
