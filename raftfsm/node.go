package raftfsm

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
	"onsale/wal/journal"
)

// Node is one replica: raft, its logs, the state and the way into it. All methods
// are safe for concurrent use.
type Node struct {
	config  Config
	peer    peer.Config
	port    *peer.Listener // of the peers; nil on a test's transport
	address string         // where the peers reach this node
	raft    *raft.Raft
	trans   raft.Transport
	data    *folder.Folder
	machine *machine
	inbox   *inbox.Inbox
	batcher *batcher
	clock   *logClock

	leader chan bool // raft tells when this node takes and loses office
	life   *lifecycle
	// following is followLeadership, which must end before raft stops.
	following sync.WaitGroup
	closed    sync.Once
	counters  nodeCounters

	suspecting   atomic.Bool // a leader's death is being looked into
	snapshotting atomic.Bool // a snapshot that was due is being taken
	clockAlarm   atomic.Bool // this node leads, and the wall clock left the log's time
}

type nodeCounters struct {
	elections, clockAlarms atomic.Uint64
}

// Open starts a node on its data folder. It returns when raft runs; whether there
// is a leader yet is Ready's to say.
func Open(config Config) (*Node, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.Files, config.Clock = withFailpoints(config.Files), jumping(config.Clock)
	n := &Node{config: config, leader: make(chan bool, 16), life: newLifecycle(config.Fatal), clock: &logClock{clock: config.Clock}}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.closeStores())
	}
	n.batcher.start()
	n.following.Go(n.followLeadership)
	n.life.finished.Go(n.watch)
	n.life.finished.Go(n.electItself)
	return n, nil
}

func (n *Node) open() error {
	var err error
	if n.data, err = openData(&n.config, n.noteStored, n.life.fatal); err != nil {
		return err
	}
	n.machine = newMachine(n.data.Journal, n.config.CheckBatches, n.life.fatal, n.config.Logger)
	n.machine.observe = n.clock.observe
	n.inbox = inbox.New(n.config.inbox(), sequencer.ErrNoLeader)
	n.batcher = newBatcher(&n.config, n.inbox, n.clock, n.machine)
	n.batcher.leaderError = n.notLeader
	return n.openRaft()
}

// openData opens the data folder.
func openData(c *Config, stored func([]*raft.Log), fatal func(error)) (*folder.Folder, error) {
	return folder.Open(folder.Options{Dir: c.DataDir, NodeID: c.NodeID, Files: c.Files,
		LogSegmentBytes: c.LogSegmentBytes, JournalSegmentBytes: c.JournalSegmentBytes, SnapshotsKept: c.SnapshotsKept,
		LogNoSync: c.seams.logNoSync, Stored: stored, Fatal: fatal, Logger: c.Logger})
}

// noteStored is the log store's hook: entries are durable here.
func (n *Node) noteStored(logs []*raft.Log) {
	if n.config.seams.stored != nil {
		n.config.seams.stored(n, logs)
	}
	n.batcher.noteStored(logs)
}

// JournalDir returns the folder of the node's journal.
func (n *Node) JournalDir() string { return folder.JournalDir(n.config.DataDir) }

// History returns the journal with the parts beside it.
func (n *Node) History() *journal.History { return n.data.History }

func (n *Node) openRaft() error {
	trans, err := n.transport()
	if err != nil {
		return err
	}
	opened := make(chan struct{})
	n.trans = guard(trans, installer{n.data.Log, n.data.Snapshots, n.life.fatal, func() uint64 { <-opened; return n.raft.LastIndex() }})
	c := n.config.raftConfig()
	c.NotifyCh = n.leader
	used, err := raft.HasExistingState(n.data.Log, n.data.Votes, n.data.Snapshots)
	if err != nil {
		return err
	}
	is := n.data.Owner.Identity()
	fsm, apply := n.seamed()
	n.raft, err = raft.NewRaft(c, fsm, n.data.Log, n.data.Votes, n.data.Snapshots, n.trans)
	if err != nil {
		return err
	}
	close(opened)
	n.batcher.apply = apply
	switch {
	case used:
		return n.data.Owner.MarkStarted()
	case len(is.Bootstrap) > 0 && is.Bootstrap[0].ID == n.config.NodeID:
		return n.bootstrap(is.Bootstrap)
	case is.ClusterID == "" && len(n.config.Bootstrap) > 0:
		return n.BeginCluster(n.bootstrapMembers())
	}
	return nil
}

// bootstrapMembers returns the configured members; this node's address may be
// known only now.
func (n *Node) bootstrapMembers() []Member {
	members := slices.Clone(n.config.Bootstrap)
	for i := range members {
		members[i].Voter = true
		if members[i].Address == "" && members[i].ID == n.config.NodeID {
			members[i].Address = n.address
		}
	}
	return members
}

// IsNew reports whether the data folder was made by this start.
func (n *Node) IsNew() bool { return n.data.IsNew }

// Decide gives a command its place in the order and returns its decision once it
// is committed and applied here. Its errors are ErrOverloaded, *NotLeaderError,
// ErrStopping (not taken, all three) and ErrOutcomeUnknown. The command is not
// kept.
func (n *Node) Decide(c *sequencer.Command) (sequencer.Result, error) {
	w, err := n.inbox.Put(c)
	if err != nil {
		return sequencer.Result{}, n.refusal(err)
	}
	return n.inbox.Wait(w)
}

// DecideMany does the same for commands that are encoded already, one frame after
// the other: they keep their order and nothing comes between them. It fills
// results[:count]. inbox.ErrFrames when they are no whole commands or more than a
// batch holds.
func (n *Node) DecideMany(frames []byte, count int, results []sequencer.Result) error {
	if count == 0 {
		return nil
	}
	w, err := n.inbox.PutMany(frames, count, results)
	if err != nil {
		return n.refusal(err)
	}
	_, err = n.inbox.Wait(w)
	return err
}

func (n *Node) refusal(err error) error {
	if errors.Is(err, sequencer.ErrNoLeader) {
		return n.notLeader()
	}
	return err
}

// Leader returns nil when Decide would take a command now, else its error.
func (n *Node) Leader() error {
	if err := n.inbox.Closed(); err != nil {
		return n.refusal(err)
	}
	return nil
}

// notLeader says who leads, as far as this node knows.
func (n *Node) notLeader() error {
	address, id := n.raft.LeaderWithID()
	if string(id) == n.config.NodeID {
		return &sequencer.NotLeaderError{} // elected, but not in office yet
	}
	return &sequencer.NotLeaderError{LeaderID: string(id), LeaderAddress: string(address)}
}

// FollowLeader calls changed whenever this node hears who leads, "" when nobody
// does, until the node is closed.
func (n *Node) FollowLeader(changed func(id, address string)) {
	news := make(chan raft.Observation, 16)
	observer := raft.NewObserver(news, false, func(o *raft.Observation) bool {
		_, isLeader := o.Data.(raft.LeaderObservation)
		return isLeader
	})
	n.raft.RegisterObserver(observer)
	n.life.finished.Go(func() {
		defer n.raft.DeregisterObserver(observer)
		for {
			address, id := n.raft.LeaderWithID()
			changed(string(id), string(address))
			select {
			case <-n.life.stop:
				return
			case <-news:
			case <-time.After(time.Second): // a full channel drops news
			}
		}
	})
}

// Load says how full the inbox is, 0 to 1.
func (n *Node) Load() float64 { return n.inbox.Fill() }

// Snapshot takes a snapshot now.
func (n *Node) Snapshot() error {
	err := n.raft.Snapshot().Error()
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	return err
}
