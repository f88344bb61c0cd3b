package raftfsm

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
)

// Cause is why a leader lets another voter lead.
type Cause string

// The causes.
const (
	CauseHung        Cause = "hung"        // its decisions hang, or did not begin
	CauseClock       Cause = "clock"       // its wall clock has left the log's time
	CauseCertificate Cause = "certificate" // its certificate for its peers has ended
	CauseProvider    Cause = "provider"    // it does not reach the payment provider
)

// Causes returns all of them.
func Causes() []Cause { return []Cause{CauseHung, CauseClock, CauseCertificate, CauseProvider} }

// Unfit is why a node should not lead, and since when.
type Unfit struct {
	Cause Cause     `json:"cause"`
	Since time.Time `json:"since"`
}

// HandedOver is the newest hand-over of the office for a Cause that a node knows of. That of
// an operator, or of a node that stops, is none.
type HandedOver struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Cause Cause  `json:"cause"`
	// AgoMilliseconds is how long ago it was: clocks differ.
	AgoMilliseconds int64 `json:"ago_ms"`
}

// Fitness is what a node says of itself to one that leads and should not, or whose disk hangs.
type Fitness struct {
	NodeID       string `json:"node_id"`
	Term         uint64 `json:"term"`
	CommitIndex  uint64 `json:"commit_index"`
	AppliedIndex uint64 `json:"applied_index"` // by the machine
	// Unfit is why it should not lead; empty when it may.
	Unfit []Unfit `json:"unfit,omitempty"`
	// WaitsMilliseconds is for how long its disk, or its decisions, have not returned.
	WaitsMilliseconds int64 `json:"waits_ms"`
	// DiskHangs says that its disk hangs, as it tried just now; only when it was asked to try.
	DiskHangs  bool        `json:"disk_hangs,omitempty"`
	HandedOver *HandedOver `json:"handed_over,omitempty"`
	// WallTime is its wall clock's, in nanoseconds since 1970.
	WallTime int64 `json:"wall_time_ns"`
}

// isUnfit reports whether a node should not lead for a cause.
func (f *Fitness) isUnfit(cause Cause) bool {
	for _, u := range f.Unfit {
		if u.Cause == cause {
			return true
		}
	}
	return false
}

const (
	// certificateMargin is how long before its certificate ends a leader hands over: whoever
	// shows one that has ended reaches nobody to hand over to.
	certificateMargin = time.Minute
	// providerDoubt is for how long a node that did not reach the payment provider is taken
	// not to reach it.
	providerDoubt = 10 * time.Minute
	// tryDiskMax is how long a disk may take that does not hang.
	tryDiskMax = time.Second
)

// Fitness says how fit this node is. try says to try whether its disk hangs, which takes
// tryDiskMax at most; otherwise nothing touches the disk.
func (n *Node) Fitness(try bool) Fitness {
	f := n.office.fitness()
	f.DiskHangs = try && n.office.diskHangs()
	return f
}

// MeetOthers lets this node ask the other voters how fit they are (Fitness). ask returns what
// those say that answer before ctx ends.
func (n *Node) MeetOthers(ask func(ctx context.Context, try bool) []Fitness) {
	n.office.ask.Store(&ask)
}

// HandOverFor lets another voter lead because of a cause, if one is fit, has caught up, and
// nobody did so for a minute. It returns when that one stands for election. ErrTransfer says
// why not.
func (n *Node) HandOverFor(cause Cause) error {
	if cause == CauseProvider {
		n.office.providerLost.Set(time.Now())
	}
	return n.office.handOver(cause)
}

func (o *office) fitness() Fitness {
	_, waits := o.stalls.longest(partStore, partDecide)
	return Fitness{NodeID: o.config.NodeID, Term: o.raft.CurrentTerm(), CommitIndex: o.raft.CommitIndex(), AppliedIndex: o.machine.appliedIndex(o.raft),
		Unfit: o.unfit(), WaitsMilliseconds: waits.Milliseconds(), HandedOver: o.handedOver(),
		WallTime: o.config.Clock.Now().UnixNano()}
}

// unfit returns why this node should not lead.
func (o *office) unfit() (all []Unfit) {
	add := func(cause Cause, since *time.Time) {
		if since != nil {
			all = append(all, Unfit{cause, *since})
		}
	}
	add(CauseHung, o.hungSince())
	_, clock := o.watchdog.clockOff()
	add(CauseClock, clock)
	add(CauseCertificate, o.certificateOver())
	if ago, any := o.providerLost.Since(); any && ago < providerDoubt {
		at := time.Now().Add(-ago)
		add(CauseProvider, &at)
	}
	return all
}

func (o *office) hungSince() *time.Time {
	if is := o.stalls.hanging(); is != nil && is.Part != partSnapshot {
		return &is.Since
	}
	return o.leadership.late.Load()
}

// certificateOver returns since when this node's certificate is as good as ended.
func (o *office) certificateOver() *time.Time {
	ends := o.certificate.Load()
	if ends == nil {
		return nil
	}
	since := ends.Add(-certificateMargin)
	if o.config.Clock.Now().Before(since) {
		return nil
	}
	return &since
}

// diskHangs tries whether this node's disk hangs: one that nobody waits for shows nothing.
func (o *office) diskHangs() bool {
	if _, lasts := o.stalls.longest(partStore); lasts >= tryDiskMax {
		return true
	}
	if o.trying.CompareAndSwap(nil, new(make(chan struct{}))) {
		done := *o.trying.Load()
		go func() { // nobody waits for it in vain: it may never return
			defer close(done)
			if err := folder.TryDisk(o.config.Files, o.config.DataDir); err != nil {
				o.config.Logger.Debug("the disk was tried", "error", err)
			}
		}()
	}
	done := o.trying.Load()
	if done == nil {
		return false
	}
	select {
	case <-*done:
		o.trying.CompareAndSwap(done, nil)
		return false
	case <-time.After(tryDiskMax):
		return true
	case <-o.life.stop:
		return false
	}
}

// appliedIndex returns up to where the machine has applied the log. raft counts an entry as
// applied when it has queued it.
func (m *machine) appliedIndex(r *raft.Raft) uint64 {
	queued := r.AppliedIndex()
	if _, any := m.applying.Oldest(); !any && r.Stats()["fsm_pending"] == "0" {
		return queued // what lies behind the last batch is raft's own
	}
	return min(queued, m.applied.Load())
}
