package raftfsm

import (
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// transferWait bounds how long a transfer of leadership may take.
const transferWait = 5 * time.Second

// Transfer hands the leadership to a voter; "" takes the one that is
// furthest. It returns when this node does not lead any more.
func (m *Membership) Transfer(id string) error {
	if !m.leadership.leads() {
		return m.leadership.notLeader()
	}
	future := m.raft.LeadershipTransfer
	if id != "" {
		address, err := m.voterAddress(id)
		if err != nil {
			return err
		}
		future = func() raft.Future { return m.raft.LeadershipTransferToServer(raft.ServerID(id), address) }
	}
	if err := future().Error(); err != nil {
		return fmt.Errorf("transfer of leadership: %w", err)
	}
	return m.untilFollowing()
}

// untilFollowing waits until somebody else leads.
func (m *Membership) untilFollowing() error {
	for deadline := time.Now().Add(transferWait); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, id := m.raft.LeaderWithID(); id != "" && string(id) != m.config.NodeID && !m.leadership.leads() {
			return nil
		}
	}
	return fmt.Errorf("transfer of leadership: nobody else leads after %v", transferWait)
}

func (m *Membership) voterAddress(id string) (raft.ServerAddress, error) {
	for _, member := range m.List() {
		if member.ID == id && member.Voter {
			return raft.ServerAddress(member.Address), nil
		}
	}
	return "", fmt.Errorf("%w: %q has no vote", ErrNotMember, id)
}

// handOver lets another node lead, when there is one that can. A node that stops
// does it first: its cluster goes on at once instead of after an election timeout.
func (m *Membership) handOver() {
	others := []string{""} // raft's own choice first; it may be a node that is down
	for _, member := range m.List() {
		if member.Voter && member.ID != m.config.NodeID {
			others = append(others, member.ID)
		}
	}
	if len(others) == 1 || !m.leadership.leads() || m.raft.VerifyLeader().Error() != nil {
		return // nobody to hand over to, or nobody who hears it
	}
	for _, id := range others {
		err := m.Transfer(id)
		if err == nil || !m.leadership.leads() {
			return
		}
		m.config.Logger.Warn("could not hand over the leadership before stopping", "error", err)
	}
}
