package raftfsm

import (
	"context"
	"fmt"

	"onsale/sequencer"
)

// ReadIndex returns a seq that is not below that of any decision before the call: it
// commits an entry without a command and returns where the state is when that was
// applied. raft's VerifyLeader, which asks a majority without writing, is no proof: it
// takes the answer to a heartbeat that was on its way when it was called, and for a
// leader that was paused, or whose network was, that answer may be older than the next
// leader (Ongaro 2014, section 6.4, asks for a heartbeat sent afterwards). It is asked
// for what a replica does not know, by one asker at a time for each door.
//
// Its errors are ErrNoLeader, also when ctx ends before a majority has answered, and
// ErrStopping.
func (n *Node) ReadIndex(ctx context.Context) (uint64, error) {
	if !n.Leads() {
		return 0, n.leadership.notLeader()
	}
	committed := make(chan error, 1) // raft may stop without an answer
	go func() { committed <- n.raft.Barrier(barrierTimeout).Error() }()

	select {
	case err := <-committed:
		if err != nil || n.life.broken() {
			return 0, n.leadership.notLeader()
		}
		return n.AppliedSeq(), nil
	case <-n.life.stop:
		return 0, sequencer.ErrStopping
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: a majority has not confirmed this leader in time: %w", sequencer.ErrNoLeader, ctx.Err())
	}
}

// Read calls read with the state as of the last batch applied here. No batch is decided
// meanwhile, on this replica: read must be short, must not wait for anything, and must
// not keep its Reader, which is the state itself under its lock.
func (n *Node) Read(read func(sequencer.Reader)) {
	n.machine.read(func(s *sequencer.State) { read(s) })
}

// SalesAfter returns the sales that changed after a decision's seq and time,
// oldest change first. It is never older than AppliedSeq was before the call.
func (n *Node) SalesAfter(seq uint64, time int64) []sequencer.SaleView {
	return n.machine.published.After(seq, time)
}

// Sales returns all sales by number; what is returned never changes. With more
// than 64 sales it may be 100 ms old.
func (n *Node) Sales() []sequencer.SaleView { return n.machine.published.All() }

// SaleByID returns the sale with an id; what is returned never changes.
func (n *Node) SaleByID(id string) (*sequencer.SaleView, bool) {
	return n.machine.published.ByID(id)
}

// AppliedSeq returns the seq of the last decision applied here.
func (n *Node) AppliedSeq() uint64 { return n.machine.published.Seq() }

// AppliedPosition returns the place of the last batch applied here.
func (n *Node) AppliedPosition() sequencer.Position { return n.machine.published.Position() }

// WaitApplied returns when a decision was applied here, or ErrBehind.
func (n *Node) WaitApplied(ctx context.Context, seq uint64) error {
	return n.machine.published.Wait(ctx, seq)
}

// Changes returns the orders that changed in blocks above a height, and the height up to
// which that is so; incomplete when any order may have changed.
func (n *Node) Changes(height uint64) (orders []uint64, upTo uint64, complete bool) {
	return n.machine.changes.After(height)
}

// WaitChanges returns when something has changed above a height, or ctx ends.
func (n *Node) WaitChanges(ctx context.Context, height uint64) { n.machine.changes.Wait(ctx, height) }
