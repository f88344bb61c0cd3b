package raftfsm

import (
	"errors"
	"fmt"
	"sync"
	"time"

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
	heard   *transport.Heard // how far leaders have committed
	peers   *transport.Peers // how far the others are, on the leader
	machine *machine
	inbox   *inbox.Inbox
	batcher *batcher
	clock   *logClock

	fence      *fence
	leadership *leadership
	membership *Membership
	checks     *Checks
	detector   *failureDetector
	watchdog   *watchdog
	office     *office
	disk       *diskWatch
	hold       hold

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
	n := &Node{config: config, life: newLifecycle(config.Fatal), clock: &logClock{clock: config.Clock}, heard: new(transport.Heard), opened: make(chan struct{})}
	if err := n.open(); err != nil {
		close(n.life.stop)
		return nil, errors.Join(err, n.closeStores())
	}

	n.batcher.start()
	n.leadership.following.Go(n.leadership.follow)
	n.life.finished.Go(n.watchdog.watch)
	n.life.finished.Go(n.watchdog.markStarted)
	n.life.finished.Go(n.office.keep)
	n.life.finished.Go(n.office.watchCertificate)
	n.life.finished.Go(func() { n.disk.watch(n.life) })
	n.life.finished.Go(n.membership.settleMoves)
	n.life.finished.Go(n.detector.watchSilence)
	if n.port != nil {
		n.life.finished.Go(n.detector.electItself)
		n.life.finished.Go(func() { n.fence.callInTurn(n.port, n.membership.List) })
	}
	return n, nil
}

func (n *Node) open() (err error) {
	if err := CheckRoom(&n.config); err != nil {
		return err
	}
	if n.data, err = openData(&n.config, n.noteStored, n.life.fatal); err != nil {
		return err
	}
	n.disk = newDiskWatch(&n.config)
	is := n.data.Owner.Identity()
	if err := errors.Join(checkRecovered(&is), checkRemoved(&is, n.config.DataDir)); err != nil {
		return err
	}
	n.machine = newMachine(n.data.Journal, n.config.CheckBatches, n.life.fatal, n.config.Logger)
	n.machine.observe = n.clock.observe
	n.inbox = inbox.New(n.config.inbox(), sequencer.ErrNoLeader)
	n.batcher = newBatcher(&n.config, n.inbox, n.clock, n.machine)
	n.fence = &fence{config: &n.config, owner: n.data.Owner, life: n.life, inbox: n.inbox, batcher: n.batcher}
	n.fence.remember()
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

// leadsMember reports whether this node leads, and a server is a member.
func (n *Node) leadsMember(id raft.ServerID) bool {
	select {
	case <-n.opened:
	default:
		return true // raft is about to say who leads
	}
	return n.raft.State() == raft.Leader && n.membership.addressOf(string(id)) != ""
}

// needed returns the lowest index of the log that a member needs that lags, or is sent a
// snapshot; 0 when none does, and when the disk has no room to wait for anybody.
func (n *Node) needed() uint64 {
	if is, err := n.Disk(); err != nil || is.LowSince != nil {
		return 0
	}
	lowest, read := n.peers.Needs(time.Now()), n.data.Snapshots.Reading()
	if lowest == 0 || read > 0 && read < lowest {
		return read
	}
	return lowest
}

func (n *Node) openRaft() error {
	trans, err := n.transport()
	if err != nil {
		return err
	}
	n.peers = &transport.Peers{AwayMax: n.config.PeerAwayMax, Leads: n.leadsMember, Stop: n.life.stop}
	n.trans = transport.Guard(trans, transport.Installer{Logs: n.data.Log, Snapshots: n.data.Snapshots, Fatal: n.life.fatal,
		LastIndex: func() uint64 { <-n.opened; return n.raft.LastIndex() }, Follows: n.follows, Asked: n.asked}, n.heard, n.peers)
	n.data.Log.Keep(n.needed, n.config.LogKeptBytesMax)
	used, err := raft.HasExistingState(n.data.Log, n.data.Votes, n.data.Snapshots)
	if err != nil {
		return err
	}

	is := n.data.Owner.Identity()
	changed := make(chan bool, 16)
	c := n.config.raftConfig()
	c.NotifyCh = changed
	fsm, apply := n.seamed()
	n.machine.starting.Store(true)
	if n.raft, err = raft.NewRaft(c, fsm, n.data.Log, n.data.Votes, n.data.Snapshots, n.trans); err != nil {
		return errors.Join(n.machine.failed, err) // raft does not say why no snapshot can be read
	}
	n.machine.starting.Store(false)
	n.assemble(changed, apply)
	close(n.opened)
	return n.begin(used, &is)
}

// assemble makes the parts that need a raft; changed tells whether this node leads.
func (n *Node) assemble(changed chan bool, apply func(raft.Log) raft.ApplyFuture) {
	n.leadership = &leadership{nodeID: n.config.NodeID, owner: n.data.Owner, logger: n.config.Logger, life: n.life, raft: n.raft,
		machine: n.machine, inbox: n.inbox, batcher: n.batcher, clock: n.clock, fence: n.fence, changed: changed,
		hangs: make(chan struct{}, 1)}
	n.batcher.apply, n.batcher.leaderError = apply, n.leadership.notLeader
	n.membership = &Membership{config: &n.config, raft: n.raft, owner: n.data.Owner, leadership: n.leadership,
		changing: make(chan struct{}, 1)}
	n.leadership.voters = func() (ids []string) {
		for _, m := range n.membership.List() {
			if m.Voter {
				ids = append(ids, m.ID)
			}
		}
		return ids
	}
	n.leadership.callOthers = func() { n.fence.callOthers(n.port, n.membership.List()) }
	n.checks = &Checks{checkpoints: n.machine.checkpoints, membership: n.membership, batcher: n.batcher, journal: n.data.Journal}
	n.detector = &failureDetector{config: &n.config, address: n.address, life: n.life, raft: n.raft, transport: n.trans, membership: n.membership, votes: n.data.Votes, log: n.data.Log}
	n.watchdog = &watchdog{config: &n.config, life: n.life, raft: n.raft, data: n.data, machine: n.machine, batcher: n.batcher, clock: n.clock,
		fence: n.fence, stalls: newStalls(n), leadership: n.leadership}
	n.office = newOffice(n)
	n.watchdog.office = n.office
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
// lease ends. ErrStalled when something hangs that would have to end: the caller's process
// has to.
func (n *Node) halt() error {
	close(n.life.stop)
	halted := make(chan error, 1)
	go func() { halted <- n.haltParts() }()
	look := time.NewTicker(watchInterval)
	defer look.Stop()
	for began := time.Now(); ; {
		select {
		case err := <-halted:
			return err
		case <-look.C:
		}
		name, lasts := n.watchdog.stalls.longest(partStore, partDecide, partBeside)
		if lasts < n.config.StallMax && time.Since(began) < n.config.stallTogether() {
			continue
		}
		n.batcher.abandon(ErrStalled)
		return fmt.Errorf("stopping: %w", stalledError(name, lasts))
	}
}

func (n *Node) haltParts() error {
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
