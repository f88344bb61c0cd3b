package raftfsm

import (
	"context"

	"onsale/sequencer"
)

// ReadIndex returns a seq that is not below that of any decision before the call: it
// commits an entry without a command and returns where the state is when that was
// applied. raft's VerifyLeader, which asks a majority without writing, is no proof: it
// takes the answer to a heartbeat that was on its way when it was called, and for a
// leader that was paused, or whose network was, that answer may be older than the next
// leader (Ongaro 2014, section 6.4, asks for a heartbeat sent afterwards). It is asked
// for what a replica does not know, by one asker at a time for each door.
func (n *Node) ReadIndex(ctx context.Context) (uint64, error) {
	if !n.Leads() {
		return 0, n.notLeader()
	}
	committed := make(chan error, 1) // raft may stop without an answer
	go func() { committed <- n.raft.Barrier(barrierTimeout).Error() }()
	select {
	case err := <-committed:
		if err != nil || n.life.broken() {
			return 0, n.notLeader()
		}
		return n.AppliedSeq(), nil
	case <-n.life.stop:
		return 0, sequencer.ErrStopping
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// SalesAfter returns the sales that changed after a decision's seq and time,
// oldest change first. It is never older than AppliedSeq was before the call.
func (n *Node) SalesAfter(seq uint64, time int64) []sequencer.SaleView {
	return n.machine.published.salesAfter(seq, time)
}

// Sales returns all sales by number; what is returned never changes. With more
// than 64 sales it may be 100 ms old.
func (n *Node) Sales() []sequencer.SaleView { return n.machine.published.sales() }

// SaleByID returns the sale with an id; what is returned never changes.
func (n *Node) SaleByID(id string) (*sequencer.SaleView, bool) {
	return n.machine.published.saleByID(id)
}

// Order returns the order with a seq as of the last batch applied here.
func (n *Node) Order(seq uint64) (sequencer.OrderView, bool) { return n.machine.order(seq) }

// OrdersOf returns a user's orders with a seq above after, lowest first.
func (n *Node) OrdersOf(user []byte, after uint64, limit int) []sequencer.OrderView {
	return n.machine.ordersOf(user, after, limit)
}

// Unsettled, UnsettledCount and OrdersWithAttempts are the state's, as of the last
// batch applied here.
func (n *Node) Unsettled(after uint64, limit int) []sequencer.OrderView {
	return n.machine.unsettled(after, limit)
}

// UnsettledCount returns how many orders Unsettled knows.
func (n *Node) UnsettledCount() int { return n.machine.unsettledCount() }

// OrdersWithAttempts returns orders that somebody began to pay.
func (n *Node) OrdersWithAttempts(after uint64, limit int) (views []sequencer.OrderView, next uint64) {
	return n.machine.ordersWithAttempts(after, limit)
}

// AppliedSeq returns the seq of the last decision applied here.
func (n *Node) AppliedSeq() uint64 { return n.machine.published.seq.Load() }

// WaitApplied returns when a decision was applied here, or ErrBehind.
func (n *Node) WaitApplied(ctx context.Context, seq uint64) error {
	return n.machine.published.wait(ctx, seq)
}
