package simulation

import (
	"bytes"
	"slices"

	"onsale/audit"
	"onsale/audit/naive"
	"onsale/sequencer"
)

// decided is a place of the log whose decision was made by some replica.
type decided struct {
	entry     *entry
	hash      uint64 // of the state afterwards
	seq       uint64
	decisions sequencer.Decisions
}

// world is one run.
type world struct {
	clock    int64 // true time in nanoseconds since the Unix epoch
	term     uint64
	replicas []*replica
	leader   *replica // the one elected last; nil before the first

	frontends []*frontend
	requests  []*request // by id, with gaps
	provider  provider
	told      []*request // that made an order, as they were told
	toldSeq   uint64     // highest seq that anybody was told
	nextTold  int        // the next of told to be looked at again

	// What was decided, by whoever came first.
	history []decided
	results []sequencer.Result // by seq - 1
	events  []sequencer.Event
	model   *naive.Model // nil when the rules are not compared
	ledger  *audit.Ledger
	keys    map[sequencer.KeyDigest]binding
	// firstSent is the highest seq that was told when a key was first sent.
	firstSent map[sequencer.KeyDigest]uint64
	sales     []saleTerms // by number - 1

	// Used again and again.
	encoded  []byte
	proposed sequencer.Batch
	answered sequencer.Result
	tickets  []int // of a user, by sale

	bug  *mutation // planted; nil for none
	seen coverage
}

// nodesMax bounds a cluster.
const nodesMax = 9

func newWorld(nodes int, bug *mutation) *world {
	w := &world{clock: dawn, model: naive.New(), ledger: audit.NewLedger(1), keys: map[sequencer.KeyDigest]binding{}, firstSent: map[sequencer.KeyDigest]uint64{}, bug: bug}
	if bug != nil && !bug.compared {
		w.model = nil
	}
	w.provider = provider{charges: map[chargeKey]*charge{}, of: map[uint64][]*charge{}, bug: bug}
	for id := range nodes {
		w.replicas = append(w.replicas, newReplica(w, id))
	}
	w.frontends = []*frontend{{}, {}}
	return w
}

func (w *world) machineOf(id, incarnation int, s *sequencer.State) machine {
	if w.bug == nil || w.bug.wrap == nil {
		return s
	}
	return w.bug.wrap(id, incarnation, s)
}

// majority is how many replicas commit an entry and elect a leader.
func (w *world) majority() int {
	if w.bug != nil && w.bug.quorum > 0 {
		return w.bug.quorum
	}
	return len(w.replicas)/2 + 1
}

// elect gives a replica office when a majority has nothing that it misses. Those who
// vote for it hear no older leader any more; the others still may.
func (w *world) elect(r *replica, skew int64) error {
	var voters []*replica
	for _, voter := range w.replicas {
		if its, mine := voter.termAt(voter.last()), r.termAt(r.last()); its < mine || its == mine && voter.last() <= r.last() || w.bug != nil && w.bug.electAnyone {
			voters = append(voters, voter)
		}
	}
	if len(voters) < len(w.replicas)/2+1 {
		return nil
	}
	w.term++
	w.seen.Elections++
	for _, voter := range voters {
		voter.seen = w.term
		if voter.leading {
			voter.stepDown()
		}
	}
	for _, other := range w.replicas {
		if other.leading {
			w.seen.StaleLeaders++
		}
	}
	r.leading, r.term, r.seen, r.skew = true, w.term, w.term, skew
	r.match, r.line = make([]uint64, len(w.replicas)), map[chargeKey]bool{}
	w.leader = r
	r.append(&entry{term: r.term})
	return w.electedHasAll(r)
}

// propose makes a batch of what waits at a leader, stamps it and appends it.
func (w *world) propose(r *replica) {
	if !r.leading {
		return
	}
	b := &w.proposed
	now := max(w.clock+r.skew, 0)
	w.sayOutage(r, now)
	b.Time, b.Commands = now, b.Commands[:0]
	e := &entry{term: r.term, requests: make([]*request, len(r.inbox))}
	for i := range r.inbox {
		b.Commands = append(b.Commands, r.inbox[i].command)
		e.requests[i] = r.inbox[i].request
	}
	w.encoded = sequencer.AppendBatch(w.encoded[:0], b)
	e.data = bytes.Clone(w.encoded)
	r.inbox = r.inbox[:0]
	w.seen.Batches++
	r.append(e)
}

// outageGrace is after how long without a batch a leader finds an outage, and outageMax how
// long the stops of one hold may last together. Both are short, so that bounds are met.
const (
	outageGrace = 500 * millisecond
	outageMax   = 5 // seconds
)

// sayOutage proposes the outage that a leader finds before its batch. It knows where the log's
// time is when it has applied all of it.
func (w *world) sayOutage(r *replica, now int64) {
	from := r.machine.Now()
	if r.applied != r.last() || now-from <= outageGrace || !r.machine.HoldsLive() {
		return
	}
	b := &w.proposed
	b.Time, b.Commands = from, append(b.Commands[:0], sequencer.Command{Kind: sequencer.KindOutage, Order: uint64(from), Amount: now, Count: outageMax})
	w.encoded = sequencer.AppendBatch(w.encoded[:0], b)
	w.seen.Outages++
	r.append(&entry{term: r.term, data: bytes.Clone(w.encoded)})
}

// replicate sends at most count entries from a leader to another replica. lost says
// that its answer does not arrive.
func (w *world) replicate(from, to *replica, count uint64, lost bool) error {
	if !from.leading || from == to {
		return nil
	}
	if to.seen > from.term {
		w.seen.RefusedAppends++
		if !lost {
			from.stepDown()
		}
		return nil
	}
	if to.seen < from.term || to.leading {
		to.seen = from.term
		to.stepDown()
	}
	if to.last() < from.base || to.base < from.base && to.termAt(from.base) != from.lastOf {
		if err := to.install(from); err != nil {
			return err
		}
	}
	reached := to.follow(from, count)
	to.commit = max(to.commit, min(from.commit, reached))
	if !lost {
		from.match[to.id] = max(from.match[to.id], reached)
		from.advance()
	}
	return nil
}

// follow makes the log the leader's, count entries further than they agree, and
// returns up to where it is. What was not the leader's is dropped.
func (r *replica) follow(from *replica, count uint64) uint64 {
	agreed := max(r.base, from.base, min(r.commit, from.last()))
	for agreed < min(r.last(), from.last()) && r.at(agreed+1) == from.at(agreed+1) {
		agreed++
	}
	end := min(agreed+count, from.last())
	if end > agreed {
		r.world.seen.DroppedEntries += int(r.last() - agreed)
		r.log = append(r.log[:agreed-r.base], from.log[agreed-from.base:end-from.base]...)
	}
	return min(max(agreed, end), from.last())
}

// advance moves a leader's commit index to what a majority has, if that is of its own
// term (Ongaro and Ousterhout, "In search of an understandable consensus algorithm",
// 2014, section 5.4.2).
func (r *replica) advance() {
	sorted := append(make([]uint64, 0, nodesMax), r.match...)
	slices.Sort(sorted)
	index := sorted[len(sorted)-r.world.majority()]
	if index > r.commit && r.termAt(index) == r.term {
		r.commit = index
	}
}
