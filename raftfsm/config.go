package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/raftfsm/store"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
	"onsale/wal"
)

// ErrBadConfig is returned when a configuration breaks a bound; the message says
// which field, what it is, and what is allowed.
var ErrBadConfig = errors.New("bad node configuration")

// Member is one node of a cluster.
type Member = folder.Member

// Config is what a node needs. Begin with DefaultConfig.
type Config struct {
	// DataDir holds everything that must survive.
	DataDir string
	// NodeID is this node's id. It belongs to the data folder for ever.
	NodeID string
	// RaftAddress is where this node's port for its peers listens.
	RaftAddress string
	// AdvertiseAddress is where the peers reach that port; "" is RaftAddress, a name
	// as a name; when that stands for all addresses of the machine, where it listens.
	AdvertiseAddress string
	// Peer says how peers are met; ID, Role and Cluster are filled in.
	Peer peer.Config
	// Bootstrap makes a new cluster of these voters when the data folder is new;
	// an empty Address stands for this node's. Empty: the node waits until it is
	// let into a cluster.
	Bootstrap []Member
	// Cluster is the id of a cluster that is made; zero draws one.
	Cluster peer.ClusterID
	// ClusterNumber is part of the uids of the orders of a cluster that is made.
	ClusterNumber uint8

	// InboxRequestsMax and InboxBytesMax bound what waits for its place in the
	// order. More means that a rush waits instead of being told "overloaded"; at
	// 1 million decisions a second 500,000 requests wait half a second.
	InboxRequestsMax, InboxBytesMax int
	// BatchRequestsMax and BatchBytesMax bound one raft entry. Longer entries
	// cost less each request and more latency: followers receive, store and
	// apply an entry as a whole. Raft's transport grows its buffers in steps of
	// 256 KiB.
	BatchRequestsMax, BatchBytesMax int
	// InFlightMax bounds the entries that are proposed and not yet committed.
	InFlightMax int
	// RPCsInFlightMax is how many appends raft sends to a follower before the
	// first is answered.
	RPCsInFlightMax int

	// HeartbeatTimeout is after how long without a leader a follower asks for
	// an election. Shorter fails over faster, and calls false elections when
	// the machine is saturated. ElectionTimeout is how long one may take,
	// LeaseTimeout after how long without a quorum a leader steps down.
	HeartbeatTimeout, ElectionTimeout, LeaseTimeout time.Duration
	// CommitTimeout is after how long an idle leader tells followers what is
	// committed; it bounds how stale their views are.
	CommitTimeout time.Duration

	// SnapshotBytes and SnapshotEntries say after how much log a snapshot is
	// taken: it bounds what a restart replays. TrailingEntries is how much log
	// is kept for followers that lag; more than InFlightMax by 16 at least.
	SnapshotBytes                    int64
	SnapshotEntries, TrailingEntries uint64
	// PeerAwayMax is for how long a leader keeps more log than that for a member that does
	// not answer, and LogKeptBytesMax up to which size of its log it does so for any: beyond
	// them the member is sent a snapshot. More brings members back by the log that are away
	// for longer, and takes more of the disk.
	PeerAwayMax     time.Duration
	LogKeptBytesMax int64
	// SnapshotsKept is how many snapshots stay on disk.
	SnapshotsKept int
	// LogSegmentBytes and JournalSegmentBytes are the sizes of segment files.
	LogSegmentBytes, JournalSegmentBytes int

	// DiskReserveBytes must stay free on the disk, and twice the largest snapshot besides:
	// with less than that buys are not taken (HoldBuys), and payments live on the rest.
	DiskReserveBytes int64

	// CheckBatches is after how many batches replicas compare what they decided.
	// Every replica of a cluster needs the same.
	CheckBatches uint64

	// StallMax is how long a call of the disk, or deciding a batch, may take before it
	// hangs: raft's heartbeats run beside both, so a leader would keep its office for ever.
	// The process of a store that hangs ends then, and after StallTogetherMax when the
	// stores of a majority hang at once, if that is longer. Shorter fails over faster, and ends processes on
	// disks that are only slow.
	StallMax, StallTogetherMax time.Duration

	// OutageGrace is how long nobody may lead, while holds are running, before they get that
	// time back; a leader commits something in half of that. OutageMax bounds what one hold
	// gets back in all.
	OutageGrace, OutageMax time.Duration

	// CertificateEnds returns when this node's certificate for its peers ends; false without
	// one.
	CertificateEnds func() (ends time.Time, any bool)

	// Fatal is called once, from any goroutine, when the node must not go on:
	// the process has to end. The default panics.
	Fatal func(error)
	// Clock is the time; the default is the system's.
	Clock Clock
	// Logger gets role changes, snapshots and alarms.
	Logger *slog.Logger
	// Files is the disk; tests inject faults with it. Reads, votes and the bytes of
	// snapshots go to the operating system directly.
	Files wal.Files
	// Transport replaces the TCP transport in tests; RaftAddress is then its
	// address.
	Transport raft.Transport

	seams seams
}

// DefaultConfig returns the configuration that serves most; Bootstrap is the
// caller's to say.
func DefaultConfig() Config {
	return Config{
		NodeID:           "n1",
		RaftAddress:      "127.0.0.1:7101",
		Peer:             peer.DefaultConfig(),
		InboxRequestsMax: 1 << 20, InboxBytesMax: 128 << 20,
		BatchRequestsMax: 8192, BatchBytesMax: 256 << 10,
		InFlightMax: 16, RPCsInFlightMax: 2,
		HeartbeatTimeout: 600 * time.Millisecond, ElectionTimeout: 600 * time.Millisecond, LeaseTimeout: 500 * time.Millisecond,
		CommitTimeout: 20 * time.Millisecond,
		SnapshotBytes: 128 << 20, SnapshotEntries: 1 << 16, TrailingEntries: 1 << 12, SnapshotsKept: 2,
		PeerAwayMax: 2 * time.Minute, LogKeptBytesMax: 512 << 20,
		LogSegmentBytes: 16 << 20, JournalSegmentBytes: 16 << 20,
		DiskReserveBytes: 256 << 20,
		CheckBatches:     256,
		StallMax:         5 * time.Second, StallTogetherMax: 20 * time.Second,
		OutageGrace: 5 * time.Second, OutageMax: 24 * time.Hour,
		CertificateEnds: func() (time.Time, bool) { return time.Time{}, false },

		Fatal:  func(err error) { panic(err) },
		Clock:  SystemClock(),
		Files:  wal.OS{},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// tailMargin is how many entries beside the batches in flight a leader may leave in
// its log uncommitted: of a term's beginning, of barriers and of the membership. Less
// log than that behind a snapshot would let raft v1.8.0 drop the last entry that a
// new leader agrees with, and refuse everything from then on.
const tailMargin = 16

// bound is what a field may be; a duration is told as one.
type bound[T int64 | time.Duration] struct {
	name               string
	value, least, most T
}

func inBounds[T int64 | time.Duration](bounds []bound[T]) error {
	for _, f := range bounds {
		if f.value < f.least || f.value > f.most {
			return fmt.Errorf("%w: %s is %v, allowed is %v to %v", ErrBadConfig, f.name, f.value, f.least, f.most)
		}
	}
	return nil
}

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *Config) Validate() error {
	if err := inBounds([]bound[int64]{
		{"InboxRequestsMax", int64(c.InboxRequestsMax), 1, 1 << 26},
		{"InboxBytesMax", int64(c.InboxBytesMax), 1 << 12, 1 << 34},
		{"BatchRequestsMax", int64(c.BatchRequestsMax), 1, sequencer.BatchCommandsMax},
		{"BatchBytesMax", int64(c.BatchBytesMax), 2 * sequencer.CommandBytesMax, 4 << 20},
		{"InFlightMax", int64(c.InFlightMax), 1, 1 << 10},
		{"RPCsInFlightMax", int64(c.RPCsInFlightMax), 1, 1 << 10},
		{"SnapshotBytes", c.SnapshotBytes, 1 << 16, 1 << 40},
		{"SnapshotEntries", int64(c.SnapshotEntries), 16, 1 << 40},
		{"TrailingEntries", int64(c.TrailingEntries), int64(c.InFlightMax) + tailMargin, 1 << 40},
		{"LogKeptBytesMax", c.LogKeptBytesMax, 0, 1 << 40},
		{"DiskReserveBytes", c.DiskReserveBytes, 1 << 20, 1 << 50},
		{"CheckBatches", int64(c.CheckBatches), 1, 1 << 20},
		{"SnapshotsKept", int64(c.SnapshotsKept), 1, 100},
	}); err != nil {
		return err
	}
	if err := inBounds([]bound[time.Duration]{
		{"HeartbeatTimeout", c.HeartbeatTimeout, 10 * time.Millisecond, time.Minute},
		{"ElectionTimeout", c.ElectionTimeout, 10 * time.Millisecond, time.Minute},
		{"LeaseTimeout", c.LeaseTimeout, 5 * time.Millisecond, c.HeartbeatTimeout},
		{"CommitTimeout", c.CommitTimeout, time.Millisecond, time.Second},
		{"PeerAwayMax", c.PeerAwayMax, time.Millisecond, time.Hour},
		{"OutageGrace", c.OutageGrace, 10 * time.Millisecond, time.Hour},
		{"OutageMax", c.OutageMax, 0, sequencer.DurationMax},
		{"StallMax", c.StallMax, time.Millisecond, time.Hour},
		{"StallTogetherMax", c.StallTogetherMax, time.Millisecond, time.Hour},
	}); err != nil {
		return err
	}
	if c.DataDir == "" || c.NodeID == "" || c.CertificateEnds == nil || c.Fatal == nil || c.Clock == nil || c.Logger == nil || c.Files == nil {
		return fmt.Errorf("%w: DataDir, NodeID, CertificateEnds, Fatal, Clock, Logger and Files must be set", ErrBadConfig)
	}
	return c.validateBootstrap()
}

func (c *Config) validateBootstrap() error {
	seen, own := map[string]bool{}, len(c.Bootstrap) == 0
	for _, m := range c.Bootstrap {
		if m.ID == "" || len(m.ID) > peer.IDBytesMax || seen[m.ID] || m.Address != "" && seen[m.Address] || m.Address == "" && m.ID != c.NodeID {
			return fmt.Errorf("%w: member %q at %q has no id or address, or one that another member has", ErrBadConfig, m.ID, m.Address)
		}
		seen[m.ID], seen[m.Address] = true, true
		own = own || m.ID == c.NodeID
	}
	if !own {
		return fmt.Errorf("%w: this node, %q, is not among the members", ErrBadConfig, c.NodeID)
	}
	return nil
}

// founders returns the configured members; address is this node's, which may be known
// only now.
func (c *Config) founders(address string) []Member {
	members := slices.Clone(c.Bootstrap)
	for i := range members {
		members[i].Voter = true
		if members[i].Address == "" && members[i].ID == c.NodeID {
			members[i].Address = address
		}
	}
	return members
}

// stallTogether returns after how long that hangs a process ends in any case.
func (c *Config) stallTogether() time.Duration { return max(c.StallMax, c.StallTogetherMax) }

func (c *Config) inbox() inbox.Config {
	return inbox.Config{RequestsMax: c.InboxRequestsMax, BytesMax: c.InboxBytesMax,
		BatchRequestsMax: c.BatchRequestsMax, BatchBytesMax: c.BatchBytesMax, HeaderBytes: sequencer.BatchHeaderBytes}
}

func (c *Config) raftConfig() *raft.Config {
	r := raft.DefaultConfig()
	r.LocalID = raft.ServerID(c.NodeID)
	r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout
	r.CommitTimeout = c.CommitTimeout
	r.MaxAppendEntries = 64
	r.BatchApplyCh = true
	r.SnapshotThreshold, r.TrailingLogs = c.SnapshotEntries, c.TrailingEntries
	r.ShutdownOnRemove = false // a leader without a vote follows, as everybody without one
	r.SnapshotInterval = 20 * time.Second
	r.NoLegacyTelemetry = true
	r.Logger = store.RaftLogger(c.Logger.With("part", "raft"))
	return r
}
