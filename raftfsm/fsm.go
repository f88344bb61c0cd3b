package raftfsm

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/internal/metric"
	"onsale/raftfsm/store"
	"onsale/raftfsm/view"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// machine is the state under raft: it applies committed batches, journals them
// and publishes what readers see. It holds no rules.
type machine struct {
	journal *journal.Journal
	fatal   func(error)
	logger  *slog.Logger

	// mu keeps readers of the state apart from Apply. It is held for the
	// decisions of one batch in memory, never for IO.
	mu    sync.RWMutex
	state *sequencer.State

	batch   sequencer.Batch
	scratch *sequencer.Decisions // reused while nobody waits for decisions
	encoded []byte

	// proposing counts batches of this node that are under way: while there are
	// any, decisions are made for their waiters and not reused.
	proposing atomic.Int64

	// entries and bytes are what was applied since the newest snapshot: what a restart
	// would apply again.
	entries atomic.Uint64
	bytes   atomic.Int64

	published   *view.Sales
	changes     *view.Changes
	checkpoints *checkpoints
	observe     func(stamp int64) // is told the log's time after each batch; nil on a machine without a node
	failed      error             // what this replica stopped with; it decides nothing any more
	counters    machineCounters
}

// machineCounters are plain counters that the Collector publishes.
type machineCounters struct {
	requests, events             atomic.Uint64
	decideTimes, journalTimes    metric.Times // of each batch
	batchSizes                   metric.Sizes // requests
	batchBytes                   metric.Sizes
	snapshots, snapshotsFailed   atomic.Uint64
	snapshotTimes, freezingTimes metric.Times
	reading, changing            metric.Longest // under the state's lock
}

var _ raft.FSM = (*machine)(nil)

func newMachine(j *journal.Journal, checkBatches uint64, fatal func(error), log *slog.Logger) *machine {
	m := &machine{journal: j, fatal: fatal, logger: log, state: sequencer.New(), scratch: new(sequencer.Decisions), published: view.NewSales(), changes: view.NewChanges(), checkpoints: newCheckpoints(checkBatches)}
	return m
}

// Apply decides one committed batch and returns its *sequencer.Decisions. An
// entry that cannot be decoded or journaled ends the process: skipping it would
// make this replica another one. So does a check that a majority passes and this
// replica does not. What is applied until the process has ended is not decided.
func (m *machine) Apply(l *raft.Log) any {
	d := m.scratch
	if m.proposing.Load() > 0 {
		d = new(sequencer.Decisions)
	}
	if m.failed != nil {
		return m.failed
	}
	if err := m.apply(l, d); err != nil {
		m.failed = fmt.Errorf("raft index %d: %w", l.Index, err)
		m.fatal(m.failed)
		return m.failed
	}
	return d
}

func (m *machine) apply(l *raft.Log, d *sequencer.Decisions) error {
	if err := failpoint.Err(failpoint.ApplyBefore); err != nil {
		return err
	}
	if len(l.Extensions) > 0 {
		if err := m.checkpoints.verify(l.Extensions, m.logger); err != nil {
			return err
		}
	}
	if err := sequencer.DecodeBatch(l.Data, &m.batch); err != nil {
		return err
	}

	started := time.Now()
	m.mu.Lock()
	locked := time.Now()
	m.state.Apply(&m.batch, d)
	m.published.Update(m.state)
	m.mu.Unlock()
	decided := time.Now()
	m.counters.changing.Observe(decided.Sub(locked))

	m.encoded = sequencer.AppendDecisions(m.encoded[:0], d)
	block := journal.Block{RaftIndex: l.Index, Term: l.Term, StateHash: m.state.Hash(), Batch: l.Data, Decisions: m.encoded}
	failpoint.Hit(failpoint.JournalPutBefore)
	if err := m.journal.Put(&block); err != nil {
		return err
	}
	failpoint.Hit(failpoint.JournalPutAfter)
	m.entries.Add(1)
	m.bytes.Add(int64(len(l.Data)))
	if m.observe != nil {
		m.observe(m.state.Now())
	}
	m.published.Applied(m.state.Seq())
	m.checkpoints.note(&block)
	m.changes.Note(block.Height, m.batch.Commands, d)
	m.counters.count(d, decided.Sub(started), time.Since(decided), len(l.Data))
	return nil
}

func (c *machineCounters) count(d *sequencer.Decisions, deciding, journaling time.Duration, bytes int) {
	c.requests.Add(uint64(len(d.Results)))
	c.events.Add(uint64(len(d.Events)))
	c.decideTimes.Observe(deciding)
	c.journalTimes.Observe(journaling)
	c.batchSizes.Observe(len(d.Results))
	c.batchBytes.Observe(bytes)
}

// Snapshot freezes the state. It costs a pointer for each page of orders, so
// decisions hardly wait; writing is Persist's, beside later batches.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	if m.failed != nil {
		return nil, m.failed
	}
	failpoint.Hit(failpoint.SnapshotFreeze)
	started := time.Now()
	defer func() { m.counters.freezingTimes.Observe(time.Since(started)) }()
	m.entries.Store(0)
	m.bytes.Store(0)
	return &frozen{state: m.state.Snapshot(), head: m.journal.Position(), seq: m.state.Seq(), journal: m.journal, counters: &m.counters}, nil
}

// Restore replaces the state by a snapshot's. The new state is built and verified
// aside; until it is whole, nothing changes.
func (m *machine) Restore(in io.ReadCloser) error {
	defer in.Close()
	failpoint.Hit(failpoint.RestoreBefore)
	head, state, err := store.ReadSnapshot(in)
	if err != nil {
		return err
	}
	gap, err := m.journal.Restore(head)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.RestoreJournal)
	if gap {
		m.logger.Warn("the journal begins anew at a snapshot; what it had is put aside beside it, what is missing is on the peers", "height", head.Height)
	}
	m.mu.Lock()
	locked := time.Now()
	m.state = state
	m.entries.Store(0)
	m.bytes.Store(0)
	m.published.Replace(state)
	m.counters.changing.Observe(time.Since(locked))
	m.mu.Unlock()
	m.published.Applied(state.Seq())
	m.changes.Reset(head.Height)
	m.checkpoints.forget()
	failpoint.Hit(failpoint.RestoreAfter)
	return nil
}

// read calls read with the state as of one batch. It is where all readers take the lock.
func (m *machine) read(read func(*sequencer.State)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	began := time.Now()
	read(m.state)
	m.counters.reading.Observe(time.Since(began))
}

// stateHash returns the state's seq, log time and hash as of one batch.
func (m *machine) stateHash() (seq uint64, time int64, hash uint64) {
	m.read(func(s *sequencer.State) { seq, time, hash = s.Seq(), s.Now(), s.Hash() })
	return seq, time, hash
}

// counts returns how many sales and orders the state holds.
func (m *machine) counts() (sales, orders int) {
	m.read(func(s *sequencer.State) { sales, orders = s.SaleCount(), s.OrderCount() })
	return sales, orders
}

// nextDue returns when the state wants a batch, though nobody asks for one.
func (m *machine) nextDue() (due int64, any bool) {
	m.read(func(s *sequencer.State) { due, any = s.NextDue() })
	return due, any
}

// sinceSnapshot returns how many entries were applied since the newest snapshot was
// frozen or restored, and their bytes.
func (m *machine) sinceSnapshot() (entries uint64, bytes int64) {
	return m.entries.Load(), m.bytes.Load()
}
