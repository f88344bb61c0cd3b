package simulation

import (
	"bytes"
	"fmt"

	"onsale/sequencer"
)

// machine is what a replica decides with: the State, or one with a planted bug.
type machine interface {
	Apply(b *sequencer.Batch, d *sequencer.Decisions)
	Hash() uint64
	Seq() uint64
	Now() int64
	NextDue() (time int64, any bool)
	HoldsLive() bool
	SaleCount() int
	TouchedSales() []uint16
	Sale(number uint16) (sequencer.SaleView, bool)
	Order(seq uint64) (sequencer.OrderView, bool)
	OrdersOf(user []byte, after uint64, limit int) []sequencer.OrderView
	Unsettled(after uint64, limit int) []sequencer.OrderView
	Account() string
	AccountOf(order uint64, attempt uint8) string
	Snapshot() *sequencer.Snapshot
	Verify() error
}

// entry is one place in a log. It is never changed, so that two logs agree in a place
// when they have the same pointer there.
type entry struct {
	term     uint64
	data     []byte     // an encoded batch; nil for the entry by which a leader takes office
	requests []*request // by command; nil when nobody waits for it
}

// queued is a command in a leader's inbox.
type queued struct {
	command sequencer.Command
	request *request
}

// replica is one node.
type replica struct {
	id    int
	world *world

	// On disk. A crash keeps it.
	seen   uint64   // the newest term that it heard of
	log    []*entry // log[i] has index base+1+i
	base   uint64   // index that the snapshot covers
	disk   []byte   // the snapshot; nil before the first
	lastOf uint64   // term of the entry at base

	// In memory.
	machine         machine
	incarnation     int // counts the starts
	applied, commit uint64
	frozen          *sequencer.Snapshot // taken, not yet on disk
	frozenAt        uint64
	batch           sequencer.Batch
	decisions       sequencer.Decisions

	// In office.
	leading bool
	term    uint64
	match   []uint64 // by replica: up to where its log is known to be this one
	skew    int64    // of this node's clock while it leads, in nanoseconds
	inbox   []queued
	line    map[chargeKey]bool // attempts that wait for their turn at the provider, without their account
}

func newReplica(w *world, id int) *replica {
	return &replica{id: id, world: w, machine: w.machineOf(id, 0, sequencer.New())}
}

// last returns the index of the newest entry.
func (r *replica) last() uint64 { return r.base + uint64(len(r.log)) }

// at returns the entry with an index above base.
func (r *replica) at(index uint64) *entry { return r.log[index-r.base-1] }

// termAt returns the term of an index from base on; 0 at 0.
func (r *replica) termAt(index uint64) uint64 {
	if index == r.base {
		return r.lastOf
	}
	return r.at(index).term
}

// append writes an entry to a leader's log.
func (r *replica) append(e *entry) {
	r.log = append(r.log, e)
	r.match[r.id] = r.last()
	r.advance()
}

// stepDown ends an office. What waited in the inbox was never in line.
func (r *replica) stepDown() {
	r.leading, r.inbox, r.line = false, nil, nil
}

// inOffice reports whether a leader has applied all that was committed before its term.
func (r *replica) inOffice() bool { return r.leading && r.termAt(r.applied) == r.term }

// apply decides the next committed entry, if there is one, and answers those who wait
// for it here. lost says that the answers do not arrive.
func (r *replica) apply(lost bool) error {
	if r.applied >= r.commit {
		return nil
	}
	r.applied++
	e := r.at(r.applied)
	if err := r.decide(e); err != nil {
		return err
	}
	if err := r.world.decided(r, e); err != nil {
		return err
	}
	if r.leading && e.term == r.term && e.data != nil {
		return r.world.answer(r, e, lost)
	}
	return nil
}

// decide applies an entry as a replica reads it from its log. A panic of the state is
// a violation like any other.
func (r *replica) decide(e *entry) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = violated("P1", "replica %d panics at index %d: %v", r.id, r.applied, failure)
		}
	}()
	if e.data == nil {
		r.batch, r.decisions = sequencer.Batch{}, sequencer.Decisions{}
		return nil
	}
	if err := sequencer.DecodeBatch(e.data, &r.batch); err != nil {
		return violated("P8", "replica %d cannot read index %d: %v", r.id, r.applied, err)
	}
	r.machine.Apply(&r.batch, &r.decisions)
	return nil
}

// freeze takes a snapshot, as raft does beside later batches.
func (r *replica) freeze() {
	r.frozen, r.frozenAt = r.machine.Snapshot(), r.applied
}

// persist writes the snapshot that was taken and drops the log that it covers.
func (r *replica) persist() error {
	if r.frozen == nil || r.frozenAt <= r.base {
		return nil
	}
	var written bytes.Buffer
	if _, err := r.frozen.WriteTo(&written); err != nil {
		return err
	}
	r.lastOf = r.termAt(r.frozenAt)
	r.log = append([]*entry(nil), r.log[r.frozenAt-r.base:]...)
	r.base, r.disk, r.frozen = r.frozenAt, written.Bytes(), nil
	r.world.seen.Snapshots++
	return nil
}

// restart forgets what is in memory and begins anew with what is on disk. The replica
// learns what is committed when it hears of it again.
func (r *replica) restart() error {
	r.stepDown()
	r.incarnation++
	r.frozen = nil
	r.world.seen.Restarts++
	return r.restore()
}

// restore makes the state what the snapshot on disk says.
func (r *replica) restore() error {
	r.applied, r.commit = r.base, r.base
	if r.disk == nil {
		r.machine = r.world.machineOf(r.id, r.incarnation, sequencer.New())
		return nil
	}
	state, err := sequencer.ReadSnapshot(bytes.NewReader(r.disk))
	if err != nil {
		return violated("P8", "replica %d cannot read its snapshot of index %d: %v", r.id, r.base, err)
	}
	r.machine = r.world.machineOf(r.id, r.incarnation, state)
	r.world.seen.Restores++
	return r.world.restored(r)
}

// install takes another replica's snapshot in place of a log that ends too early.
func (r *replica) install(from *replica) error {
	r.base, r.disk, r.lastOf, r.log, r.frozen = from.base, from.disk, from.lastOf, nil, nil
	r.world.seen.Installs++
	return r.restore()
}

func (r *replica) String() string { return fmt.Sprintf("n%d", r.id) }
