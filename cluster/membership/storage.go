package membership

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm"
	"onsale/sequencer"
)

// The leader asks all voters how much room their disks have, and takes buys only while a
// quorum of them has room: an entry is stored by a quorum, and payments must find one later.
//
// What if it asks and nobody answers? A voter's word counts for wordAge, and for so long a
// new leader takes who has not answered yet to have room: an answer that is late must not
// stop the buys. After that no word is no room. But as long as no voter says that it is short,
// buys go on: that some do not answer is for raft to judge. What if the leader changes? Its
// successor asks all within storageInterval; what it takes meanwhile is of the reserve.

const (
	// storageInterval is how often the leader asks.
	storageInterval = time.Second
	// wordAge is how long what a voter said of its disk counts.
	wordAge = 15 * time.Second
)

// word is what a member said of its disk, and when.
type word struct {
	disk raftfsm.Disk
	at   time.Time
}

// storage is what the leader heard, and since when it asks.
type storage struct {
	began time.Time
	said  map[string]word
}

func newStorage() *storage { return &storage{time.Now(), map[string]word{}} }

// watchStorage holds and releases the buys while this node leads.
func (m *Manager) watchStorage() {
	ticker := time.NewTicker(storageInterval)
	defer ticker.Stop()
	heard := newStorage()
	for {
		if m.leads() {
			m.askDisks(heard)
			m.holdBuys(heard.judge(m.members.List(), time.Now()))
		} else {
			heard = newStorage()
			m.node.HoldBuys(nil)
		}
		select {
		case <-m.stop.Done():
			return
		case <-ticker.C:
		}
	}
}

func (m *Manager) holdBuys(why error) {
	_, before := m.node.BuysHeld()
	m.node.HoldBuys(why)
	switch {
	case why != nil && before == nil:
		m.config.Logger.Error("buys are not taken; payments, sellers' commands and time go on: free space on the disks or make them larger", "reason", why)
	case why == nil && before != nil:
		m.config.Logger.Info("buys are taken again: enough voters have room on their disks")
	}
}

// askDisks asks every voter, at once.
func (m *Manager) askDisks(heard *storage) {
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, member := range m.members.List() {
		if !member.Voter {
			continue
		}
		group.Go(func() {
			is, err := m.disk(m.stop, member)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			heard.said[member.ID] = word{is, time.Now()}
		})
	}
	group.Wait()
}

// askDisk asks one member.
func (m *Manager) askDisk(ctx context.Context, member raftfsm.Member) (is raftfsm.Disk, err error) {
	if member.ID == m.node.Identity().NodeID {
		return m.node.Disk()
	}
	err = m.question(ctx, member, verbDisk, &is)
	if errors.Is(err, codes.ErrRequest) { // of a release that does not tell: buys go on as they did with it
		return raftfsm.Disk{}, nil
	}
	return is, err
}

// judge returns why buys must not be taken; nil when they may.
func (s *storage) judge(members []raftfsm.Member, now time.Time) error {
	voters, short, roomy := 0, 0, 0
	for _, member := range members {
		if !member.Voter {
			continue
		}
		voters++
		said, heard := s.said[member.ID]
		if !heard {
			said.at = s.began
		}
		switch {
		case said.disk.LowSince != nil:
			short++
		case now.Sub(said.at) <= wordAge:
			roomy++
		}
	}
	if short == 0 || roomy >= quorum(voters) {
		return nil
	}
	return fmt.Errorf("%w: of %d voters %d are short of it and %d have enough, at least %d must", sequencer.ErrStorageLow,
		voters, short, roomy, quorum(voters))
}
