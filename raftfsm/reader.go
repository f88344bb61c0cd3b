package raftfsm

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsale/internal/metric"
	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
	"onsale/raftfsm/view"
	"onsale/sequencer"
	"onsale/wal"
	"onsale/wal/journal"
)

// Reader shows what is in a node's data folder on which nothing can be written: the state as
// of the last block of its journal. It has no part in raft: it votes for nobody, stores
// nothing, and decides nothing. Committed entries that were not applied here are not shown;
// what is shown says as of which decision it is. All methods are safe for concurrent use.
//
// It takes no lock of the folder and changes nothing in it, so a node can start on the
// folder at any time, and does when there is room.
type Reader struct {
	config   Config
	why      error
	since    time.Time
	identity *folder.Identity
	state    *sequencer.State // never changes
	head     journal.Head
	term     uint64
	recorded []Member // as the log has them
	members  []Member // where they are reached
	shown    *view.Sales
	changes  *view.Changes
	disk     *diskWatch
	life     *lifecycle
	port     *peer.Listener
	peers    peer.Config
	address  string
}

// roleReader is the role of a Reader in its status.
const roleReader = "read-only"

// errUnused is returned for a folder in which there is nothing to show.
var errUnused = errors.New("there is nothing to show in the data folder")

// OpenReader reads a data folder, for a node that cannot write for a reason. Close ends it.
func OpenReader(config Config, why error) (*Reader, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	r := &Reader{config: config, why: why, since: time.Now().UTC().Truncate(time.Millisecond),
		shown: view.NewSales(), changes: view.NewChanges(), life: newLifecycle(config.Fatal)}
	if err := errors.Join(r.readIdentity(), r.readState()); err != nil {
		return nil, err
	}
	r.shown.Replace(r.state)
	r.shown.Applied(r.state.Seq(), r.state.Position())
	r.changes.Reset(r.head.Height)
	r.disk = newDiskWatch(&r.config)
	if err := r.openPort(); err != nil {
		return nil, err
	}
	r.life.finished.Go(func() { r.disk.watch(r.life) })
	return r, nil
}

func (r *Reader) readIdentity() (err error) {
	if r.identity, err = folder.ReadIdentity(r.config.DataDir); err != nil {
		return err
	}
	if r.identity.NodeID != r.config.NodeID {
		return fmt.Errorf("%w: it was made by node %q", folder.ErrIdentity, r.identity.NodeID)
	}
	if r.identity.ClusterID == "" {
		return errUnused
	}
	return nil
}

// readState reads the newest snapshot and decides again what the journal has behind it.
func (r *Reader) readState() error {
	saved, err := store.ReadNewest(r.config.DataDir, r.config.Logger)
	if err != nil {
		return err
	}
	r.state, r.head, r.term = saved.State, saved.Head, saved.Meta.Term
	var batch sequencer.Batch
	var scratch sequencer.Decisions
	_, err = journal.ScanAfter(folder.JournalDir(r.config.DataDir), saved.Head, func(b *journal.Block) error {
		if err := sequencer.DecodeBatch(b.Batch, &batch); err != nil {
			return err
		}
		r.state.Apply(&batch, &scratch)
		if r.state.Hash() != b.StateHash {
			return fmt.Errorf("%w: block %d left another state than deciding it again", ErrDiverged, b.Height)
		}
		r.head, r.term = b.Head(), b.Term
		return sequencer.CheckLevel(r.state.Level())
	})
	if err != nil && !errors.Is(err, wal.ErrNotFound) {
		return fmt.Errorf("journal: %w", err)
	}
	r.recorded = membersOf(store.MembersIn(r.config.DataDir, saved.Meta.Configuration))
	r.members = slices.Clone(r.recorded)
	for i, m := range r.recorded {
		r.members[i].Address = r.identity.Reached(m)
	}
	return nil
}

// openPort opens the port for peers, under the number of the node's last start: the next
// one, which can note it, gets a higher one.
func (r *Reader) openPort() (err error) {
	r.peers = r.config.Peer
	r.peers.ID, r.peers.Role = r.config.NodeID, peer.Node
	r.peers.Starts, r.peers.Start = new(peer.Starts), r.identity.Start
	lineage := lineageOf(r.identity, r.state.Births())
	r.peers.Cluster = func() (peer.Lineage, uint8) { return lineage, r.identity.ClusterNumber }
	r.peers.Levels = func() (speaks, cluster uint16) { return sequencer.LevelMax, r.state.Level() }
	if r.port, err = peer.Listen(r.config.RaftAddress, r.peers); err != nil {
		return err
	}
	r.address = cmp.Or(r.config.AdvertiseAddress, written(r.config.RaftAddress, r.port.Addr()))
	r.life.finished.Go(func() {
		if err := r.port.Serve(); err != nil && !r.life.stopping() {
			r.life.fatal(err)
		}
	})
	r.life.finished.Go(r.refuseRaft)
	return nil
}

// refuseRaft ends the connections of raft: this process has no part in it.
func (r *Reader) refuseRaft() {
	for service := r.port.Service(peer.Raft); ; {
		conn, err := service.Accept()
		if err != nil {
			return
		}
		conn.Close()
	}
}

// Close ends the reader.
func (r *Reader) Close() error {
	close(r.life.stop)
	err := r.port.Close()
	r.life.finished.Wait()
	return err
}

// Why returns why this process only reads.
func (r *Reader) Why() error { return r.why }

// JournalDir returns the folder of the journal.
func (r *Reader) JournalDir() string { return folder.JournalDir(r.config.DataDir) }

// Publish adds the metrics that a process without a node has.
func (r *Reader) Publish(s *metric.Set) {
	diskMetrics(s, r)
	s.Gauge("onsale_applied_seq", "Seq of the last decision applied here.", func() float64 {
		return float64(r.AppliedSeq())
	})
	s.Gauge("onsale_read_only", "1 while this node only shows what it has, since its disk is full.", constant(1))
}

// Room returns nil when a node could begin to write.
func (r *Reader) Room() error { return CheckRoom(&r.config) }

// Status returns the node's status, as far as one that only reads has one.
func (r *Reader) Status() Status {
	s := Status{
		NodeID: r.config.NodeID, Role: roleReader, ReadOnly: r.why.Error(), ReadOnlySince: &r.since,
		Term: r.term, Address: r.address,
		ClusterID: r.identity.ClusterID, ClusterNumber: r.identity.ClusterNumber, SupersededBy: r.identity.SupersededBy,
		Level: r.state.Level(), CommitIndex: r.head.RaftIndex, AppliedIndex: r.head.RaftIndex,
		LastIndex: r.head.RaftIndex,
		Seq:       r.state.Seq(), LogTime: r.state.Now(), StateHash: fmt.Sprintf("%016x", r.state.Hash()),
		JournalHeight: r.head.Height, JournalHash: hex.EncodeToString(r.head.Hash[:]),
		Births: BirthsOf(r.state), Lineage: []string{}, Members: r.members, HoldsStoppedSince: holdsStoppedSince(r.state), Money: moneyOf(r.state),
	}
	lineage, _ := r.peers.Cluster()
	for _, id := range lineage {
		s.Lineage = append(s.Lineage, id.String())
	}
	s.Disk, _ = r.Disk()
	return s
}

// Disk returns what was seen of the disk last. It is low as long as nothing is written,
// whatever is free: a closed log gives back what it had laid out.
func (r *Reader) Disk() (Disk, error) {
	is := *r.disk.seen.Load()
	if is.LowSince == nil {
		is.LowSince = &r.since
	}
	return is, *r.disk.err.Load()
}

// HearLeader has nothing to hear: this process is behind for good.
func (r *Reader) HearLeader(commitIndex, seq uint64) {}

// HoldBuys has nothing to hold, and BuysHeld says so.
func (r *Reader) HoldBuys(error) {}

// BuysHeld returns nil: buys are not held by this node.
func (r *Reader) BuysHeld() (since time.Time, why error) { return time.Time{}, nil }

// Identity returns whose data folder it is.
func (r *Reader) Identity() folder.Identity { return *r.identity }

// Address returns where the peers reach this process.
func (r *Reader) Address() string { return r.address }

// PeerConfig returns how this process meets others, and Peers their connections that are
// not raft's.
func (r *Reader) PeerConfig() *peer.Config { return &r.peers }

// WaitChanges returns when ctx ends: nothing changes.
func (r *Reader) WaitChanges(ctx context.Context, height uint64) { r.changes.Wait(ctx, height) }
