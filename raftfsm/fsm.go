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
	"onsale/internal/moment"
	"onsale/internal/threadtime"
	"onsale/raftfsm/folder"
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

	// level is that of the state: what a leader writes is of it.
	level atomic.Uint32
	// starting is set while raft opens: an error is its opener's then.
	starting atomic.Bool

	// entries and bytes are what was applied since the newest snapshot: what a restart
	// would apply again.
	entries atomic.Uint64
	bytes   atomic.Int64

	published   *view.Sales
	changes     *view.Changes
	checkpoints *checkpoints
	applied     atomic.Uint64 // raft index of the last batch
	applying    moment.Calls
	journaling  moment.Calls
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
	installed                    atomic.Uint64 // snapshots of a leader
	snapshotTimes, freezingTimes metric.Times
	reading, changing            metric.Longest // under the state's lock
	readingWork                  metric.Longest // processor time of reading
}

var _ raft.FSM = (*machine)(nil)

func newMachine(j *journal.Journal, checkBatches uint64, fatal func(error), log *slog.Logger) *machine {
	m := &machine{journal: j, fatal: fatal, logger: log, state: sequencer.New(), scratch: new(sequencer.Decisions), published: view.NewSales(), changes: view.NewChanges(), checkpoints: newCheckpoints(checkBatches)}
	m.level.Store(sequencer.LevelFirst)
	return m
}

// Apply decides one committed batch and returns its *sequencer.Decisions. An
// entry that cannot be decoded or journaled ends the process: skipping it would
// make this replica another one. So does a check that a majority passes and this
// replica does not, and an entry that raises the level above what this program speaks:
// those behind it may be in formats that it does not read. What is applied until the
// process has ended is not decided.
func (m *machine) Apply(l *raft.Log) any {
	d := m.scratch
	if m.proposing.Load() > 0 {
		d = new(sequencer.Decisions)
	}
	if m.failed != nil {
		return m.failed
	}
	defer m.applying.End(m.applying.Begin())
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
		if err := m.checkpoints.verify(l.Extensions, m.state.Now(), m.logger); err != nil {
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
	err := sequencer.CheckLevel(m.state.Level())
	if err == nil {
		m.published.Update(m.state)
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	decided := time.Now()
	m.counters.changing.Observe(decided.Sub(locked))
	m.level.Store(uint32(m.state.Level()))

	m.encoded = sequencer.AppendDecisions(m.encoded[:0], d)
	block := journal.Block{RaftIndex: l.Index, Term: l.Term, StateHash: m.state.Hash(), Batch: l.Data, Decisions: m.encoded}
	if err := m.put(&block); err != nil {
		return err
	}
	m.applied.Store(l.Index)
	m.entries.Add(1)
	m.bytes.Add(int64(len(l.Data)))
	if m.observe != nil {
		m.observe(m.state.Now())
	}
	m.published.Applied(m.state.Seq(), m.state.Position())
	m.checkpoints.note(&block)
	m.changes.Note(block.Height, m.batch.Commands, d)
	m.counters.count(d, decided.Sub(started), time.Since(decided), len(l.Data))
	return nil
}

// put adds a block to the journal.
func (m *machine) put(b *journal.Block) error {
	defer m.journaling.End(m.journaling.Begin())
	failpoint.Hit(failpoint.JournalPutBefore)
	if err := m.journal.Put(b); err != nil {
		return err
	}
	failpoint.Hit(failpoint.JournalPutAfter)
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
	return &frozen{state: m.state.Snapshot(), head: m.journal.Position(), seq: m.state.Seq(), journal: m.journal, counters: &m.counters, journaling: &m.journaling}, nil
}

// Restore replaces the state by a snapshot's. The new state is built and verified
// aside; until it is whole, nothing changes. A snapshot of a later release or level ends
// the process: raft would take an older one in its place at a start, and ask for the same
// one again and again later.
func (m *machine) Restore(in io.ReadCloser) error {
	defer in.Close()
	if m.failed != nil {
		return m.failed
	}
	failpoint.Hit(failpoint.RestoreBefore)
	head, state, err := store.ReadSnapshot(in)
	if folder.IsOtherVersion(err) {
		m.failed = fmt.Errorf("snapshot: %w", err)
		if !m.starting.Load() {
			m.fatal(m.failed)
		}
		return m.failed
	}
	if err != nil {
		return err
	}
	if at := state.Position(); at.Height != head.Height {
		return fmt.Errorf("%w: its state has decided %d batches, the journal's head is at height %d", store.ErrSnapshot, at.Height, head.Height)
	}
	gap, err := m.restoreJournal(head)
	if err != nil {
		return err
	}
	m.applied.Store(head.RaftIndex)
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
	m.level.Store(uint32(state.Level()))
	m.published.Applied(state.Seq(), state.Position())
	m.changes.Reset(head.Height)
	m.checkpoints.forget()
	if !m.starting.Load() {
		m.counters.installed.Add(1)
	}
	failpoint.Hit(failpoint.RestoreAfter)
	return nil
}

func (m *machine) restoreJournal(head journal.Head) (gap bool, err error) {
	defer m.journaling.End(m.journaling.Begin())
	return m.journal.Restore(head)
}

// read calls read with the state as of one batch. It is where all readers take the lock.
func (m *machine) read(read func(*sequencer.State)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	began, work := time.Now(), threadtime.Begin()
	read(m.state)
	m.counters.readingWork.Observe(threadtime.End(work))
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

// holdsLive reports whether a hold ends at some time without a command.
func (m *machine) holdsLive() (live bool) {
	m.read(func(s *sequencer.State) { live = s.HoldsLive() })
	return live
}

// atLevel returns the level of the cluster's formats as of the last batch applied here.
func (m *machine) atLevel() uint16 { return uint16(m.level.Load()) }

// sinceSnapshot returns how many entries were applied since the newest snapshot was
// frozen or restored, and their bytes.
func (m *machine) sinceSnapshot() (entries uint64, bytes int64) {
	return m.entries.Load(), m.bytes.Load()
}
