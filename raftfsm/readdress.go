package raftfsm

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
)

// A node that comes back under another address asks the leader to note it (package
// membership). When all have moved at once nobody reaches anybody, and there is no leader to
// ask: an operator says on each node, while it is stopped, where the members are now. That
// is no part of the log. NODE.json has the new addresses beside the ones of the membership
// (folder.Move), and they are dialled in their place; every hello still proves which node is
// there, so that a wrong address reaches nobody. As soon as there is a leader, each node asks
// it to change the membership, as one that moved alone does, and what NODE.json says has no
// use any more.
//
// What if we die here? NODE.json is replaced as a whole: a node has the old addresses or the
// new ones. Where some nodes have been told and others have not, some dial in vain; nothing
// is decided that could differ, because who is a member and who has a vote stays as it is.
// Twice is once: the second run replaces the first.

// ErrNoMembership is returned when a data folder has not heard yet who belongs to its cluster.
var ErrNoMembership = errors.New("the folder does not know yet who belongs to its cluster")

// Readdress notes in the data folder of a node that is stopped where members are now, by
// their ids; members that are not named are where they were. It returns the members with
// the addresses that the node dials from its next start on. ErrNotMember, ErrBadConfig,
// ErrNoMembership, wal.ErrLocked.
func Readdress(config Config, addresses map[string]string) ([]Member, error) {
	is, err := folder.ReadIdentity(config.DataDir)
	if err != nil {
		return nil, err
	}
	config.NodeID = is.NodeID
	if err := errors.Join(config.Validate(), checkRecovered(is), checkRemoved(is, config.DataDir)); err != nil {
		return nil, err
	}
	life := newLifecycle(config.Fatal)
	data, err := openData(&config, nil, life.fatal)
	if err != nil {
		return nil, err
	}
	members, err := readdress(data, addresses)
	return members, errors.Join(err, data.Close())
}

func readdress(data *folder.Folder, addresses map[string]string) ([]Member, error) {
	members, err := recordedIn(data)
	if err != nil {
		return nil, err
	}
	for id, address := range addresses {
		if !slices.ContainsFunc(members, func(m Member) bool { return m.ID == id }) {
			return nil, fmt.Errorf("%w: %q", ErrNotMember, id)
		}
		if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("%w: node %s at %q, expected is HOST:PORT", ErrBadConfig, id, address)
		}
	}

	var moved []folder.Move
	at := map[string]string{}
	for i := range members {
		m := &members[i]
		if to, told := addresses[m.ID]; told && to != m.Address {
			moved = append(moved, folder.Move{ID: m.ID, From: m.Address, To: to})
			m.Address = to
		}
		if other, taken := at[m.Address]; taken {
			return nil, fmt.Errorf("%w: nodes %s and %s would both be at %s", ErrBadConfig, other, m.ID, m.Address)
		}
		at[m.Address] = m.ID
	}
	return members, data.Owner.Change(func(i *folder.Identity) { i.Moved = moved })
}

// recordedIn returns the latest membership of a folder: that of the log, else that of the
// newest snapshot, else the one with which the cluster is being made.
func recordedIn(data *folder.Folder) ([]Member, error) {
	first, _ := data.Log.FirstIndex()
	last, err := data.Log.LastIndex()
	if err != nil {
		return nil, err
	}
	for index := last; index >= max(first, 1); index-- {
		var entry raft.Log
		if err := data.Log.GetLog(index, &entry); err != nil {
			return nil, err
		}
		if entry.Type == raft.LogConfiguration {
			return membersOf(raft.DecodeConfiguration(entry.Data)), nil
		}
	}

	newest, err := data.Snapshots.Newest()
	if err != nil {
		return nil, err
	}
	if members := membersOf(newest.Meta.Configuration); len(members) > 0 {
		return members, nil
	}
	if is := data.Owner.Identity(); len(is.Bootstrap) > 0 {
		return slices.Clone(is.Bootstrap), nil
	}
	return nil, ErrNoMembership
}

func membersOf(c raft.Configuration) (members []Member) {
	for _, s := range c.Servers {
		members = append(members, Member{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter})
	}
	return members
}

// settleMoves forgets the addresses of Readdress that the membership has by now, or that it
// has replaced by others, until the node stops: a node that moves back must not be looked
// for where it was meanwhile. Without a leader nothing is forgotten: the newest membership
// of this log may never be committed.
func (m *Membership) settleMoves() {
	for !m.leadership.life.stopping() && len(m.owner.Identity().Moved) > 0 {
		m.leadership.life.wait(callInterval)
		if _, leader := m.raft.LeaderWithID(); leader == "" {
			continue
		}
		recorded, kept := m.Recorded(), []folder.Move(nil)
		for _, move := range m.owner.Identity().Moved {
			if slices.ContainsFunc(recorded, func(is Member) bool { return is.ID == move.ID && is.Address == move.From }) {
				kept = append(kept, move)
			}
		}
		if len(kept) == len(m.owner.Identity().Moved) {
			continue
		}
		if err := m.owner.Change(func(i *folder.Identity) { i.Moved = kept }); err != nil {
			m.config.Logger.Warn("could not note that members are where the membership says", "error", err)
		}
	}
}
