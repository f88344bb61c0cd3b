package forward

import (
	"context"
	"fmt"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// Blocks is a node's journal with the parts beside it (journal.History).
type Blocks interface {
	AppendPage(dst []byte, q journal.PageQuestion) ([]byte, error)
}

// blocks answers a node that fills a gap in its journal. One page is read at a time:
// what is asked for at once costs this node a page of memory and a fraction of a
// processor, however many ask; the others are told overloaded and come back.
func (c *caller) blocks(body, dst []byte) ([]byte, error) {
	s := c.server
	if c.from.Role != peer.Node || c.from.Cluster == (peer.ClusterID{}) {
		return dst, fmt.Errorf("%w: the journal is for the cluster's nodes, %q is none", codes.ErrRejected, c.from.ID)
	}
	q, err := journal.ParsePageQuestion(body)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", codes.ErrRejected, err)
	}
	if s.config.Blocks == nil {
		return dst, journal.ErrNotKept
	}
	if !s.paging.TryLock() {
		s.counters.Refused.Add(1)
		return dst, sequencer.ErrOverloaded
	}
	defer s.paging.Unlock()
	s.counters.Pages.Add(1)
	return s.config.Blocks.AppendPage(dst, q)
}

// Blocks asks for blocks of the node's journal: journal.ErrNotKept when it does not
// have the first, sequencer.ErrOverloaded when it is busy with another page.
func (l *Link) Blocks(ctx context.Context, q journal.PageQuestion) (journal.Page, error) {
	if l.Peer().Role != peer.Node {
		return journal.Page{}, fmt.Errorf("%w: %q is no node", codes.ErrRejected, l.Peer().ID)
	}
	body, err := l.ask(ctx, kindBlocks, journal.AppendPageQuestion(nil, q))
	if err != nil {
		return journal.Page{}, err
	}
	return journal.ParsePage(q, body)
}
