package raftfsm

import (
	"context"
	"fmt"
	"net"

	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// What a Reader answers in the place of a Node. It leads nobody: what is to be decided is
// for the leader, and of a cluster of one for nobody until there is room.

// Leader returns why this process takes no commands.
func (r *Reader) Leader() error {
	if len(r.members) > 1 {
		return &sequencer.NotLeaderError{}
	}
	return fmt.Errorf("%w: this node only shows what it has: %w", sequencer.ErrStorageLow, r.why)
}

// Decide takes nothing.
func (r *Reader) Decide(*sequencer.Command) (sequencer.Result, error) {
	return sequencer.Result{}, r.Leader()
}

// Fitness says nothing but who this is: it leads nobody.
func (r *Reader) Fitness(bool) Fitness { return Fitness{NodeID: r.config.NodeID} }

// MeetOthers asks nobody.
func (r *Reader) MeetOthers(func(context.Context, bool) []Fitness) {}

// DecideMany takes nothing.
func (r *Reader) DecideMany([]byte, int, []sequencer.Result) error { return r.Leader() }

// Past returns an error: the journal is not open.
func (r *Reader) Past(uint64, []sequencer.Result) error { return errNotKept }

// Load is that of an empty inbox.
func (r *Reader) Load() float64 { return 0 }

// ReadIndex returns an error: this process does not lead.
func (r *Reader) ReadIndex(context.Context) (uint64, error) { return 0, r.Leader() }

// AppliedSeq returns the seq of the last decision that is shown.
func (r *Reader) AppliedSeq() uint64 { return r.shown.Seq() }

// AppliedPosition returns the place of the last batch that is shown.
func (r *Reader) AppliedPosition() sequencer.Position { return r.shown.Position() }

// WaitApplied returns nil for a decision that is shown, and ErrBehind when ctx ends.
func (r *Reader) WaitApplied(ctx context.Context, seq uint64) error { return r.shown.Wait(ctx, seq) }

// Sales returns all sales by number.
func (r *Reader) Sales() []sequencer.SaleView { return r.shown.All() }

// SalesAfter returns the sales that changed after a seq and time, oldest change first.
func (r *Reader) SalesAfter(seq uint64, time int64) []sequencer.SaleView {
	return r.shown.After(seq, time)
}

// SaleByID returns the sale with an id.
func (r *Reader) SaleByID(id string) (*sequencer.SaleView, bool) { return r.shown.ByID(id) }

// Read calls read with the state.
func (r *Reader) Read(read func(sequencer.Reader)) { read(r.state) }

// Changes tells that any order may have changed up to what is shown.
func (r *Reader) Changes(height uint64) (orders []uint64, upTo uint64, complete bool) {
	return r.changes.After(height)
}

// ForwardListener returns the connections of other processes that are not raft's.
func (r *Reader) ForwardListener() net.Listener { return r.port.Service(peer.Forward) }

// List returns the members as the data folder has them, and where they are reached.
func (r *Reader) List() []Member { return r.members }

// Recorded returns the members as the log has them.
func (r *Reader) Recorded() []Member { return r.recorded }

// Confirm returns an error: nobody was asked.
func (r *Reader) Confirm() error { return r.Leader() }

// Change changes nothing.
func (r *Reader) Change(func([]Member) (Change, error)) error { return r.Leader() }

// Transfer hands nothing over.
func (r *Reader) Transfer(string) error { return r.Leader() }

// Begin makes no cluster.
func (r *Reader) Begin([]Member) error { return ErrBelongs }

// Adopt joins none.
func (r *Reader) Adopt(peer.ClusterID, uint8, []Member, bool) error { return ErrBelongs }

// AwaitVote notes nothing: the next start does.
func (r *Reader) AwaitVote(bool) error { return r.why }

// Leave notes nothing: the next start hears it again.
func (r *Reader) Leave() error { return r.why }

// SameHistory compares nothing.
func (r *Reader) SameHistory(uint64, string) (bool, error) { return false, errNotKept }

// Newest returns no checkpoints, and none are Reached.
func (r *Reader) Newest() []Checkpoint { return nil }

// Reached never receives.
func (r *Reader) Reached() <-chan struct{} { return nil }

// Propose proposes nothing.
func (r *Reader) Propose(map[string][]Checkpoint, uint64) uint64 { return 0 }
