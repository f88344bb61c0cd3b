package main

import (
	"context"
	"errors"
	"fmt"

	"onsale/cluster/backfill"
	"onsale/cluster/forward"
	"onsale/raftfsm"
	"onsale/wal/journal"
)

// startBackfill lets the node fill the gaps of its journal, over connections of their own:
// a page must not hold up a question about an order.
func (v *server) startBackfill() (err error) {
	v.pageLinks = forward.NewLinks(v.node.PeerConfig(), v.directory)
	config := v.settings.Backfill
	config.Logger = v.log
	config.Free = func() (int64, error) { is, err := v.node.Disk(); return is.FreeBytes, err }
	if v.filler, err = backfill.New(config, v.node.History(), members{v.node, v.pageLinks}); err == nil {
		v.filler.Start()
	}
	return err
}

// closeBackfill ends it.
func (v *server) closeBackfill() error {
	if v.filler == nil {
		return nil
	}
	defer v.pageLinks.Close()
	return v.filler.Close()
}

// members are the other nodes of the cluster (backfill.Peers).
type members struct {
	node  *raftfsm.Node
	links *forward.Links
}

// IDs returns the other members, the leader last: it has the most to do.
func (m members) IDs() []string {
	is := m.node.Status()
	var others, leader []string
	for _, member := range is.Members {
		switch member.ID {
		case is.NodeID:
		case is.LeaderID:
			leader = append(leader, member.ID)
		default:
			others = append(others, member.ID)
		}
	}
	return append(others, leader...)
}

// errNoMember is returned when a node has left the cluster since it was named.
var errNoMember = errors.New("is no member any more")

// Blocks asks a member for blocks of its journal.
func (m members) Blocks(ctx context.Context, id string, q journal.PageQuestion) (journal.Page, error) {
	for _, member := range m.node.Membership().List() {
		if member.ID != id {
			continue
		}
		link, err := m.links.To(ctx, id, member.Address)
		if err != nil {
			return journal.Page{}, err
		}
		return link.Blocks(ctx, q)
	}
	return journal.Page{}, fmt.Errorf("%q %w", id, errNoMember)
}
