package paymenttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"onsale/sequencer"
)

// Cluster is replicas without raft: one log, of which each replica has applied a part.
// One of them leads; one that was deposed may not have heard of it.
type Cluster struct {
	mu       sync.Mutex
	log      []sequencer.Batch
	leader   *Replica // nil while nobody leads
	replicas []*Replica
	fault    func(*Replica, *sequencer.Command) CommitFault
}

// CommitFault is what befalls one command. The zero CommitFault is none.
type CommitFault struct {
	Before time.Duration // it hangs before it is committed; not at all when the replica leads no more then
	After  time.Duration // its answer hangs
	Lost   bool          // it is committed, and nobody learns of it
}

// Replica is one node of a Cluster. It is a payment.Node.
type Replica struct {
	cluster  *Cluster
	id       int
	state    *sequencer.State
	applied  int  // batches of the log
	believes bool // that it leads
}

// NewCluster returns replicas of which the first leads, born as BirthID. fault says what befalls a
// command; it is called on the goroutine that asks.
func NewCluster(replicas int, fault func(*Replica, *sequencer.Command) CommitFault) *Cluster {
	c := &Cluster{fault: fault}
	for id := range replicas {
		c.replicas = append(c.replicas, &Replica{cluster: c, id: id, state: sequencer.New()})
	}
	c.leader = c.replicas[0]
	c.leader.believes = true
	c.Must(birth(BirthID(), sequencer.BirthNew, time.Now().UnixNano()))
	return c
}

// Replica returns one of the replicas, from 0.
func (c *Cluster) Replica(id int) *Replica { return c.replicas[id] }

// Elect makes a replica the leader, or nobody when it is nil. Who led hears of it now,
// or when Hear is called.
func (c *Cluster) Elect(r *Replica, heard bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if heard && c.leader != nil {
		c.leader.believes = false
	}
	if c.leader = r; r != nil {
		r.believes = true
		r.catchUp()
	}
}

// Hear lets all replicas know who leads.
func (c *Cluster) Hear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.replicas {
		r.believes = r == c.leader
	}
}

// Leader returns who leads, nil while nobody does.
func (c *Cluster) Leader() *Replica {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leader
}

// Must lets the cluster decide a command, whoever leads and without a fault.
func (c *Cluster) Must(command *sequencer.Command) sequencer.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commit(command)
}

// AddSale creates a sale and returns its number. What the spec does not say is filled in.
func (c *Cluster) AddSale(t testing.TB, spec sequencer.SaleSpec) uint16 {
	t.Helper()
	result := c.Must(saleCreate(spec))
	if result.Code != sequencer.CodeOK {
		t.Fatal(result.Code)
	}
	return result.Sale
}

// Read shows the state as of the end of the log.
func (c *Cluster) Read(read func(sequencer.Reader)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replicas[0].catchUp()
	read(c.replicas[0].state)
}

// commit enters a command into the log and applies the log to the leader, or to any
// replica while nobody leads. The caller holds the lock.
func (c *Cluster) commit(command *sequencer.Command) sequencer.Result {
	kept := *command
	kept.User, kept.Body = slices.Clone(command.User), slices.Clone(command.Body)
	batch := sequencer.Batch{Time: time.Now().UnixNano(), Commands: []sequencer.Command{kept}}
	c.log = append(c.log, batch)

	at := c.leader
	if at == nil {
		at = c.replicas[0]
	}
	return at.catchUp()
}

// catchUp applies the rest of the log and returns the last result. The caller holds the
// lock.
func (r *Replica) catchUp() (last sequencer.Result) {
	var decisions sequencer.Decisions
	for ; r.applied < len(r.cluster.log); r.applied++ {
		r.state.Apply(&r.cluster.log[r.applied], &decisions)
		last = decisions.Results[0]
	}
	return last
}

// ID returns the replica's number, from 0.
func (r *Replica) ID() int { return r.id }

// Leader implements payment.Node.
func (r *Replica) Leader() error {
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	if !r.believes {
		return &sequencer.NotLeaderError{}
	}
	return nil
}

// Decide implements payment.Node.
func (r *Replica) Decide(command *sequencer.Command) (sequencer.Result, error) {
	if err := r.Leader(); err != nil {
		return sequencer.Result{}, err
	}
	fault := r.cluster.fault(r, command)
	time.Sleep(fault.Before)
	result, committed := r.propose(command)
	if !committed {
		return sequencer.Result{}, sequencer.ErrOutcomeUnknown
	}
	time.Sleep(fault.After)
	if fault.Lost {
		return sequencer.Result{}, sequencer.ErrOutcomeUnknown
	}
	return result, nil
}

func (r *Replica) propose(command *sequencer.Command) (result sequencer.Result, committed bool) {
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	if r.cluster.leader != r {
		return result, false
	}
	return r.cluster.commit(command), true
}

// ReadIndex implements payment.Node.
func (r *Replica) ReadIndex(ctx context.Context) (uint64, error) {
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("%w: %w", sequencer.ErrNoLeader, err)
	}
	if r.cluster.leader != r {
		return 0, sequencer.ErrNoLeader
	}
	return r.state.Seq(), nil
}

// Read implements payment.Node. Who wrongly believes that it leads shows old news.
func (r *Replica) Read(read func(sequencer.Reader)) {
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	if !r.believes || r.cluster.leader == r {
		r.catchUp()
	}
	read(r.state)
}

// SaleByID implements payment.Node.
func (r *Replica) SaleByID(id string) (*sequencer.SaleView, bool) {
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	return saleByID(r.state, id)
}
