package raftfsm

import (
	"errors"
	"sync"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/failpoints"
	"onsale/raftfsm/folder"
	"onsale/raftfsm/transport"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
	"onsale/wal/journal"
)

// Node is one replica: raft, what it keeps, the state and the way into it. All methods
// are safe for concurrent use.
type Node struct {
	config  Config
	life    *lifecycle
	data    *folder.Folder
	port    *peerPort // nil on a test's transport
	address string    // where the peers reach this node
	raft    *raft.Raft
	trans   raft.Transport
	machine *machine
	inbox   *inbox.Inbox
	batcher *batcher
	clock   *logClock

	leadership *leadership
	membership *Membership
	checks     *Checks
	detector   *failureDetector
	watchdog   *watchdog

	opened chan struct{} // closed when raft and the parts above are there
	closed sync.Once
}

// Open starts a node on its data folder. It returns when raft runs; whether there
// is a leader yet is Ready's to say.
func Open(config Config) (*Node, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.Files, config.Clock = failpoints.Disk(config.Files), failpoints.MovedClock(config.Clock)
	n := &Node{config: config, life: newLifecycle(config.Fatal), clock: &logClock{clock: config.Clock}, opened: make(chan struct{})}
	if err := n.open(); err != nil {
		close(n.life.stop)
		return nil, errors.Join(err, n.closeStores())
	}

	n.batcher.start()
	n.leadership.following.Go(n.leadership.follow)
	n.life.finished.Go(n.watchdog.watch)
	if n.port != nil {
		n.life.finished.Go(n.detector.electItself)
	}
	return n, nil
}

func (n *Node) open() (err error) {
	if n.data, err = openData(&n.config, n.noteStored, n.life.fatal); err != nil {
		return err
	}
	n.machine = newMachine(n.data.Journal, n.config.CheckBatches, n.life.fatal, n.config.Logger)
	n.machine.observe = n.clock.observe
	n.inbox = inbox.New(n.config.inbox(), sequencer.ErrNoLeader)
	n.batcher = newBatcher(&n.config, n.inbox, n.clock, n.machine)
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

func (n *Node) openRaft() error {
	trans, err := n.transport()
	if err != nil {
		return err
	}
	n.trans = transport.Guard(trans, transport.Installer{Logs: n.data.Log, Snapshots: n.data.Snapshots, Fatal: n.life.fatal,
		LastIndex: func() uint64 { <-n.opened; return n.raft.LastIndex() }})
	used, err := raft.HasExistingState(n.data.Log, n.data.Votes, n.data.Snapshots)
	if err != nil {
		return err
	}

	is := n.data.Owner.Identity()
	changed := make(chan bool, 16)
	c := n.config.raftConfig()
	c.NotifyCh = changed
	fsm, apply := n.seamed()
	if n.raft, err = raft.NewRaft(c, fsm, n.data.Log, n.data.Votes, n.data.Snapshots, n.trans); err != nil {
		return err
	}
	n.assemble(changed, apply)
	close(n.opened)
	return n.begin(used, &is)
}

// assemble makes the parts that need a raft; changed tells whether this node leads.
func (n *Node) assemble(changed chan bool, apply func(raft.Log) raft.ApplyFuture) {
	n.leadership = &leadership{nodeID: n.config.NodeID, logger: n.config.Logger, life: n.life, raft: n.raft,
		machine: n.machine, inbox: n.inbox, batcher: n.batcher, clock: n.clock, changed: changed}
	n.batcher.apply, n.batcher.leaderError = apply, n.leadership.notLeader
	n.membership = &Membership{config: &n.config, raft: n.raft, owner: n.data.Owner, leadership: n.leadership}
	n.checks = &Checks{checkpoints: n.machine.checkpoints, membership: n.membership, batcher: n.batcher, journal: n.data.Journal}
	n.detector = &failureDetector{config: &n.config, address: n.address, life: n.life, raft: n.raft, transport: n.trans, membership: n.membership}
	n.watchdog = &watchdog{config: &n.config, life: n.life, raft: n.raft, data: n.data, machine: n.machine, batcher: n.batcher, clock: n.clock}
}

// begin makes a cluster when this start has to; used says that raft has written here.
func (n *Node) begin(used bool, is *folder.Identity) error {
	switch {
	case used:
		return n.data.Owner.MarkStarted()
	case len(is.Bootstrap) > 0 && is.Bootstrap[0].ID == n.config.NodeID:
		return n.membership.bootstrap(is.Bootstrap)
	case is.ClusterID == "" && len(n.config.Bootstrap) > 0:
		return n.membership.Begin(n.config.founders(n.address))
	}
	return nil
}

// Membership returns who belongs to the cluster, and the way to change it.
func (n *Node) Membership() *Membership { return n.membership }

// Checks returns how this replica compares itself with the others.
func (n *Node) Checks() *Checks { return n.checks }

// Identity returns whose data folder this node runs on.
func (n *Node) Identity() folder.Identity { return n.data.Owner.Identity() }

// IsNew reports whether the data folder was made by this start.
func (n *Node) IsNew() bool { return n.data.IsNew }

// JournalDir returns the folder of the node's journal.
func (n *Node) JournalDir() string { return folder.JournalDir(n.config.DataDir) }

// History returns the journal with the parts beside it.
func (n *Node) History() *journal.History { return n.data.History }

// Close answers everybody who waits, stops raft and closes the logs. What was
// answered is on disk; what was not taken is told so.
func (n *Node) Close() error {
	err := sequencer.ErrStopping
	n.closed.Do(func() { err = n.close() })
	return err
}

func (n *Node) close() error {
	n.HandOver()
	return n.halt()
}

// halt stops the node where it stands. Everything that was proposed is answered
// before raft stops: raft v1.8.0 never answers what it had queued when it stopped,
// and who waits for that waits for ever. A leader without a quorum answers when its
// lease ends.
func (n *Node) halt() error {
	close(n.life.stop)
	n.inbox.Shut(sequencer.ErrStopping)
	n.batcher.close()
	n.leadership.following.Wait()
	n.inbox.Shut(sequencer.ErrStopping) // a leader that took office meanwhile opened it
	err := n.raft.Shutdown().Error()
	if n.port != nil {
		err = errors.Join(err, n.port.listener.Close())
	}
	n.life.finished.Wait()
	return errors.Join(err, n.closeStores())
}

func (n *Node) closeStores() error {
	var errs []error
	if closer, ok := n.trans.(raft.WithClose); ok {
		errs = append(errs, closer.Close())
	}
	if n.port != nil {
		errs = append(errs, n.port.listener.Close())
	}
	if n.data != nil {
		errs = append(errs, n.data.Close())
	}
	return errors.Join(errs...)
}
