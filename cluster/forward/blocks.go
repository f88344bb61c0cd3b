package forward

import (
	"context"
	"fmt"
	"time"

	"onsale/cluster/codes"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// Blocks is a node's journal with the parts beside it (journal.History).
type Blocks interface {
	AppendPage(dst []byte, q journal.PageQuestion) ([]byte, error)
	// Position returns the newest block.
	Position() journal.Head
}

const (
	// pageWaitersMax bounds who waits for its turn to read a page; one more is told overloaded.
	pageWaitersMax = 64
	// pageWaitInterval is how often the journal's end is looked at for who waits for a block.
	pageWaitInterval = 20 * time.Millisecond
)

// blocks answers a node that fills a gap in its journal, or a reader that follows it. One page
// is read at a time, in the order in which they were asked for: what is asked for at once costs this
// node a page of memory and a fraction of a processor, however many ask.
func (c *caller) blocks(body, dst []byte) ([]byte, error) {
	s := c.server
	if c.from.Role != peer.Reader && (c.from.Role != peer.Node || c.from.Cluster == (peer.ClusterID{})) {
		return dst, fmt.Errorf("%w: the journal is for the cluster's nodes and readers, %q is none", codes.ErrRejected, c.from.ID)
	}
	q, err := journal.ParsePageQuestion(body)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", codes.ErrRejected, err)
	}
	if s.config.Blocks == nil {
		return dst, journal.ErrNotKept
	}
	if q.Spare && s.node.Leader() == nil {
		return dst, fmt.Errorf("%w: this node leads, ask another", sequencer.ErrOverloaded)
	}
	if q.WaitMilliseconds > 0 && !s.awaitBlock(&q) {
		return dst, nil // an empty page
	}
	if s.pageWaiters.Add(1) > pageWaitersMax {
		s.pageWaiters.Add(-1)
		s.counters.Refused.Add(1)
		return dst, sequencer.ErrOverloaded
	}
	defer s.pageWaiters.Add(-1)
	select {
	case s.paging <- struct{}{}: // who waits longest comes first
		defer func() { <-s.paging }()
	case <-s.stop.Done():
		return dst, sequencer.ErrStopping
	}
	s.counters.Pages.Add(1)
	return s.config.Blocks.AppendPage(dst, q)
}

// awaitBlock reports whether the journal has come as far as a question's first block, as soon as it
// has, or when its wait is over.
func (s *Server) awaitBlock(q *journal.PageQuestion) bool {
	ticker := time.NewTicker(pageWaitInterval)
	defer ticker.Stop()
	for late := time.Now().Add(q.Wait()); s.config.Blocks.Position().Height < q.Height; {
		if !time.Now().Before(late) {
			return false
		}
		select {
		case <-ticker.C:
		case <-s.stop.Done():
			return false
		}
	}
	return true
}

// Blocks asks for blocks of the node's journal: journal.ErrNotKept when it does not
// have the first, journal.ErrNotYet when the question's wait was too short,
// sequencer.ErrOverloaded when it is busy, or leads and is to be spared.
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
