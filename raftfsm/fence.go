package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// A cluster that was restored or recovered elsewhere succeeds this node's: the node learns
// so from the hello of a node of that one, and from then on takes no requests and no part in
// raft, whoever else of the old cluster is left. NODE.json remembers it.
//
// What if we die here? Requests are refused before anything is written, so whoever was
// refused stays so until the process ends; a process that died before NODE.json was written
// has to meet the other cluster again, as if it never had.

// supersededError says which cluster succeeds this node's. It is a sequencer.ErrSuperseded.
type supersededError struct{ by string }

func (e *supersededError) Error() string { return "superseded by cluster " + e.by }

func (e *supersededError) Unwrap() error { return sequencer.ErrSuperseded }

// fence is whether this node may go on as it is, by what other nodes have shown of their
// clusters and starts. All methods are safe for concurrent use.
type fence struct {
	config *Config
	owner  *folder.Owner
	life   *lifecycle
	inbox  *inbox.Inbox
	// batcher's leading is set and cleared here, so that none opens what another shuts.
	batcher *batcher
	raft    connections

	superseded atomic.Pointer[supersededError]
	parted     atomic.Uint64 // meetings with nodes of clusters that parted from this one

	mu   sync.Mutex
	told peer.ClusterID  // that the log was told last to have parted
	from time.Time       // when that one was met first, of the last meetings in a row
	last time.Time       // when it was met last
	met  map[string]bool // ids of the nodes of this cluster that were met since the start
	// walls are their wall clocks, as they were met last.
	walls map[string]wallClock
}

// remember takes up what NODE.json says.
func (f *fence) remember() {
	if by := f.owner.Identity().SupersededBy; by != "" {
		f.stop(by)
	}
}

// err returns why this node takes no requests any more, a supersededError; nil while it may.
func (f *fence) err() error {
	if is := f.superseded.Load(); is != nil {
		return is
	}
	return nil
}

// meet takes in what the hello of another node means to this one (peer.Config.Fenced).
func (f *fence) meet(by *peer.Identity, err error) {
	switch {
	case errors.Is(err, peer.ErrSuperseded):
		f.supersede(by)
	case errors.Is(err, peer.ErrParted):
		f.part(by)
	case errors.Is(err, peer.ErrReplaced):
		f.life.fatal(fmt.Errorf("%w: node %s, met at node %s", err, f.config.NodeID, by.ID))
	case errors.Is(err, peer.ErrBelow):
		f.life.fatal(err) // it would ask for elections for ever, and nobody may hear it
	}
}

func (f *fence) supersede(by *peer.Identity) {
	if !f.stop(by.Cluster.String()) {
		return
	}
	f.config.Logger.Error("another cluster succeeds this node's; it takes no requests any more: put its data folder aside and let it join that one",
		"superseded_by", by.Cluster.String(), "node", by.ID)
	if err := f.owner.Change(func(i *folder.Identity) { i.SupersededBy = by.Cluster.String() }); err != nil {
		f.life.fatal(err)
	}
}

// stop refuses everything from now on, and reports whether it was the first to do so.
func (f *fence) stop(by string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := &supersededError{by}
	if !f.superseded.CompareAndSwap(nil, err) {
		return false
	}
	f.batcher.leading.Store(false)
	f.inbox.Shut(err)
	f.raft.cut(err)
	return true
}

// open begins to take requests, and reports whether it may.
func (f *fence) open() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err() != nil {
		return false
	}
	f.inbox.Open()
	f.batcher.leading.Store(true)
	return true
}

// shut refuses requests with an error, or with why none are taken any more.
func (f *fence) shut(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if why := f.err(); why != nil {
		err = why
	}
	f.inbox.Shut(err)
}

// partedAge is for how long a cluster that parted and is met no more is still told of.
const partedAge = 10 * time.Minute

// partedLately returns the cluster that parted from this one and was met last, and since when
// it is met; nothing when that is partedAge ago.
func (f *fence) partedLately() (cluster string, since *time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last.IsZero() || time.Since(f.last) > partedAge {
		return "", nil
	}
	from := f.from
	return f.told.String(), &from
}

// part tells the log of a cluster that parted, once for each that is met in turn.
func (f *fence) part(by *peer.Identity) {
	f.parted.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	again := f.told == by.Cluster
	if !again || now.Sub(f.last) > partedAge {
		f.from = now
	}
	f.told, f.last = by.Cluster, now
	if again {
		return
	}
	f.config.Logger.Error("a cluster has parted from this one, and both may sell: stop one of them",
		"cluster", by.Cluster.String(), "node", by.ID)
}

// noteMet notes that a node of this cluster is at the other end of a connection.
func (f *fence) noteMet(is *peer.Identity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.met == nil {
		f.met, f.walls = map[string]bool{}, map[string]wallClock{}
	}
	f.met[is.ID] = true
	if !is.Time.IsZero() {
		f.walls[is.ID] = wallClock{is.Time, f.config.Clock.Boot()}
	}
}

// wallClock is what a member's wall clock said at a time of this node's boot clock, by which it
// went on since: this node's own may have jumped.
type wallClock struct {
	said time.Time
	at   time.Duration
}

// clocks returns by how much the wall clocks of members that were met are ahead.
func (f *fence) clocks(ids []string) (ahead []time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, boot := f.config.Clock.Now().Round(0), f.config.Clock.Boot()
	for _, id := range ids {
		if is, known := f.walls[id]; known && id != f.config.NodeID {
			ahead = append(ahead, is.said.Add(boot-is.at).Sub(now))
		}
	}
	return ahead
}

func (f *fence) hasMet(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.met[id]
}

const (
	// callTimeout bounds how long a new leader waits for members that it has not met. It
	// is paid once after a start, and only while a machine does not even refuse.
	callTimeout = 300 * time.Millisecond
	// callInterval is how often a node calls one more member: how soon one that nobody
	// asks anything hears that it was superseded, or that another process runs with its id.
	callInterval = time.Second
)

// callOthers calls the members that this node has not met since its start. Nodes that were
// lost and come back together may elect one of them before they meet the cluster that
// succeeds theirs, in the place of another: who is about to take requests asks first.
func (f *fence) callOthers(port *peerPort, members []Member) {
	if port == nil { // a test's transport
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	var calls sync.WaitGroup
	for _, m := range members {
		if m.ID != f.config.NodeID && !f.hasMet(m.ID) {
			calls.Go(func() { f.call(ctx, port, m) })
		}
	}
	calls.Wait()
}

// callInTurn calls one member after the other until the node stops, or is superseded.
func (f *fence) callInTurn(port *peerPort, members func() []Member) {
	for turn := 0; !f.life.stopping() && f.err() == nil; turn++ {
		f.life.wait(callInterval)
		all := members()
		if len(all) == 0 {
			continue
		}
		if m := all[turn%len(all)]; m.ID != f.config.NodeID && !f.life.stopping() {
			ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
			f.call(ctx, port, m)
			cancel()
		}
	}
}

// call calls one member. What its hello means is told to meet.
func (f *fence) call(ctx context.Context, port *peerPort, m Member) {
	is, err := peer.Meet(ctx, &port.config, m.Address) // whoever is there: a successor may have another id
	if err != nil {
		f.config.Logger.Debug("a member was not met", "member", m.ID, "error", err)
		return
	}
	f.noteMet(is)
}

// lineageOf returns the births that a node goes by. A birth that its state has not applied
// yet counts when NODE.json says what it follows; a node that only joined knows nothing of
// what was before its cluster until the log tells, and one of a copy succeeds nobody.
func lineageOf(is *folder.Identity, births []sequencer.Birth) peer.Lineage {
	own := is.Cluster()
	if own == (peer.ClusterID{}) {
		return nil
	}
	var lineage peer.Lineage
	for i := range births {
		id := peer.ClusterID(births[i].Cluster)
		lineage = append(lineage, id)
		if id == own {
			return lineage
		}
	}
	if is.Birth != nil && (is.Birth.Cause == sequencer.BirthRestore || is.Birth.Cause == sequencer.BirthRecover) {
		lineage = append(lineage, own)
		return lineage[max(0, len(lineage)-peer.BirthsMax):]
	}
	return peer.Lineage{own}
}
