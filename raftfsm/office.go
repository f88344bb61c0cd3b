package raftfsm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/moment"
)

// A leader that should not lead lets another voter do it, by one rule for all causes: only
// one that has caught up and has no alarm of that kind, and at most once in handOverEvery in
// the whole cluster, so that a trouble that all share does not turn the office round and
// round. When the last one was is asked of all, and remembered by all.
//
// What if we die here? A hand-over that was begun is an election like any other. If nobody
// lives that remembers the last one, the next may come too early, once.

const (
	// handOverEvery lies between two hand-overs of the cluster at least.
	handOverEvery = time.Minute
	// officeInterval is how often a leader looks whether it should lead, and officePause
	// how long it waits after it could not hand over.
	officeInterval = 500 * time.Millisecond
	officePause    = 2 * time.Second
	// askMax bounds the question to the other voters.
	askMax = 1500 * time.Millisecond
	// excuseLasts is for how long it counts that a majority's disks hang.
	excuseLasts = 3 * time.Second
)

// office is this node's part in who should lead.
type office struct {
	config     *Config
	life       *lifecycle
	raft       *raft.Raft
	machine    *machine
	stalls     *stalls
	watchdog   *watchdog
	leadership *leadership
	membership *Membership

	ask          atomic.Pointer[func(ctx context.Context, try bool) []Fitness]
	certificate  atomic.Pointer[time.Time] // when this node's ends; nil without one
	providerLost moment.Moment
	trying       atomic.Pointer[chan struct{}] // closed when the disk has returned
	asking       atomic.Bool                   // whether others' disks hang
	excused      moment.Moment                 // when a majority's did last

	handing  sync.Mutex // one hand-over at a time
	failures int        // since the last that succeeded; under handing
	mu       sync.Mutex
	last     HandedOver // the newest hand-over that is known
	lastAt   time.Time  // when that was; zero for none
	counters map[Cause]*atomic.Uint64
}

func newOffice(n *Node) *office {
	o := &office{config: &n.config, life: n.life, raft: n.raft, machine: n.machine, stalls: n.watchdog.stalls, watchdog: n.watchdog,
		leadership: n.leadership, membership: n.membership, counters: map[Cause]*atomic.Uint64{}}
	for _, cause := range Causes() {
		o.counters[cause] = new(atomic.Uint64)
	}
	return o
}

// keep hands the office over while this node has it and should not, until the node stops. What
// it does touches no disk.
func (o *office) keep() {
	said := ""
	for !o.life.stopping() {
		o.life.wait(officeInterval)
		if o.raft.State() != raft.Leader || o.life.broken() {
			said = ""
			continue
		}
		for _, u := range o.unfit() {
			if u.Cause == CauseProvider { // its own part says when
				continue
			}
			err := o.handOver(u.Cause)
			if err == nil {
				break
			}
			if text := err.Error(); text != said {
				o.config.Logger.Error("this node should not lead, and could not hand over", "cause", string(u.Cause), "error", err)
				said = text
			}
			o.life.wait(officePause)
		}
	}
}

// watchCertificate looks when this node's certificate ends, until the node stops.
func (o *office) watchCertificate() {
	for !o.life.stopping() {
		if ends, any := o.config.CertificateEnds(); any {
			o.certificate.Store(&ends)
		}
		o.life.wait(time.Second)
	}
}

// others asks the other voters how fit they are, and takes in what they remember.
func (o *office) others(try bool) []Fitness {
	ask := o.ask.Load()
	if ask == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), askMax)
	defer cancel()
	all := (*ask)(ctx, try)
	for i := range all {
		o.hear(all[i].HandedOver)
	}
	return all
}

func (o *office) handOver(cause Cause) error {
	o.handing.Lock()
	defer o.handing.Unlock()
	if o.raft.State() != raft.Leader {
		return o.leadership.notLeader()
	}
	others := o.others(false)
	if cause == CauseClock {
		o.holdToLogTime(others)
	}
	if is := o.handedOver(); is != nil {
		if ago := time.Duration(is.AgoMilliseconds) * time.Millisecond; ago < handOverEvery {
			return fmt.Errorf("%w: it was from %s to %s less than %v ago", ErrTransfer, is.From, is.To, handOverEvery)
		}
	}
	own := o.fitness()
	fit := successors(&own, others, o.membership.List(), cause)
	if len(fit) == 0 {
		return fmt.Errorf("%w: of the other voters none has caught up and is fit (%s)", ErrTransfer, cause)
	}

	to := fit[o.failures%len(fit)]
	before, beforeAt := o.note(HandedOver{From: own.NodeID, To: to, Cause: cause}, time.Now()) // the next leader asks for it
	o.config.Logger.Warn("this node should not lead; another one is let lead", "cause", string(cause), "to", to)
	if err := o.membership.handTo(to); err != nil {
		o.failures++
		o.note(before, beforeAt)
		return err
	}
	o.failures = 0
	o.counters[cause].Add(1)
	return nil
}

// holdToLogTime finds whose wall clocks are not the log's time either. They may not know it
// themselves: while nothing is decided nobody hears what the log's time is.
func (o *office) holdToLogTime(others []Fitness) {
	for i := range others {
		by := time.Duration(others[i].WallTime - o.watchdog.clock.stamp())
		if by > ClockAlarm || by < -ClockAlarm-askMax { // it may be some time ago that it said so
			others[i].Unfit = append(others[i].Unfit, Unfit{CauseClock, time.Now()})
		}
	}
}

// successors returns the voters that may lead after this node because of a cause, those that
// have applied most first.
func successors(own *Fitness, others []Fitness, members []Member, cause Cause) (ids []string) {
	fit := slices.DeleteFunc(slices.Clone(others), func(f Fitness) bool {
		isVoter := slices.ContainsFunc(members, func(m Member) bool { return m.Voter && m.ID == f.NodeID })
		return !isVoter || f.NodeID == own.NodeID || f.Term != own.Term || f.AppliedIndex+appliedLagMax < own.CommitIndex ||
			f.isUnfit(cause) || f.isUnfit(CauseHung) || f.WaitsMilliseconds >= moment.Slow.Milliseconds()
	})
	slices.SortStableFunc(fit, func(a, b Fitness) int { return cmp.Compare(b.AppliedIndex, a.AppliedIndex) })
	for i := range fit {
		ids = append(ids, fit[i].NodeID)
	}
	return ids
}

// note remembers a hand-over, and returns the one before.
func (o *office) note(is HandedOver, at time.Time) (before HandedOver, beforeAt time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, beforeAt = o.last, o.lastAt
	o.last, o.lastAt = is, at
	return before, beforeAt
}

// hear takes over what another node remembers, when it is newer.
func (o *office) hear(is *HandedOver) {
	if is == nil {
		return
	}
	at := time.Now().Add(-time.Duration(is.AgoMilliseconds) * time.Millisecond)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lastAt.IsZero() || at.After(o.lastAt) {
		o.last, o.lastAt = *is, at
	}
}

// handedOver returns the newest hand-over that this node knows of; nil for none.
func (o *office) handedOver() *HandedOver {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lastAt.IsZero() {
		return nil
	}
	is := o.last
	is.AgoMilliseconds = time.Since(o.lastAt).Milliseconds()
	return &is
}

// askDisks finds out whether the disks of a majority hang, this node's among them. It returns
// at once.
func (o *office) askDisks() {
	if !o.asking.CompareAndSwap(false, true) {
		return
	}
	go func() { // it asks no disk, and ends after askMax
		defer o.asking.Store(false)
		voters, hanging := 0, 0
		for _, m := range o.membership.List() {
			if m.Voter {
				voters++
			}
			if m.Voter && m.ID == o.config.NodeID {
				hanging++
			}
		}
		for _, f := range o.others(true) {
			if f.DiskHangs {
				hanging++
			}
		}
		if hanging > voters/2 {
			o.excused.Set(time.Now())
		}
	}()
}

// isExcused reports whether the disks of a majority hang: to end this process would help nobody.
func (o *office) isExcused() bool {
	ago, any := o.excused.Since()
	return any && ago < excuseLasts
}
