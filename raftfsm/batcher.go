package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/internal/metric"
	"onsale/internal/moment"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// proposal is a batch on its way through raft.
type proposal struct {
	*waiting
	future raft.ApplyFuture
	began  time.Time
}

// waiting is who waits for a batch. They are answered once: with what was decided, or before
// that, when it takes too long (batcher.abandon).
type waiting struct {
	chunk    *inbox.Chunk
	answered atomic.Bool
}

// fail answers with an error who was not answered yet.
func (w *waiting) fail(err error) {
	if w.answered.CompareAndSwap(false, true) {
		w.chunk.Fail(err)
	}
}

// batcher moves what queued in the inbox into raft entries: whatever came while
// the last entry was being stored is the next one. One goroutine proposes, so
// that entries have the order of the inbox; a second one answers who waits, in
// the same order.
type batcher struct {
	inbox   *inbox.Inbox
	clock   *logClock
	machine *machine
	// apply proposes an entry; raft's.
	apply func(raft.Log) raft.ApplyFuture
	// check goes with the next batch (ProposeCheck).
	check atomic.Pointer[[]byte]
	// leaderError says who leads, for requests that raft did not take.
	leaderError func() error

	// stored receives when an entry became durable here or came back.
	stored chan struct{}
	// inFlight has a place for each entry that is proposed and not answered.
	inFlight chan struct{}
	answered chan struct{} // capacity 1: a proposal was answered
	pending  chan proposal
	stop     chan struct{}
	finished sync.WaitGroup
	leading  atomic.Bool
	mu       sync.Mutex
	waiting  []*waiting // for batches that are proposed, or about to be; oldest first
	// sent is the stamp of the newest batch that was sent, or the log's time when this node
	// took office.
	sent atomic.Int64
	// refused says that raft took a batch not, or perhaps not: sent may be ahead of the log.
	refused                atomic.Bool
	outageGrace, outageMax time.Duration
	logger                 *slog.Logger
	// tickAfter is when raft may be asked for a tick again, after it refused one.
	tickAfter moment.Moment

	counters batcherCounters
}

// tickPause lies between a tick that was refused and the next: a leader that hands
// over refuses at once, and would be asked again at once.
const tickPause = 10 * time.Millisecond

type batcherCounters struct {
	proposals, ticks, refused, unknown atomic.Uint64
	outages, outageTime                atomic.Uint64 // and their nanoseconds
	waitTimes                          metric.Times  // of each batch's first request
	commitTimes                        metric.Times
}

func newBatcher(c *Config, in *inbox.Inbox, clock *logClock, m *machine) *batcher {
	return &batcher{
		inbox: in, clock: clock, machine: m,
		outageGrace: c.OutageGrace, outageMax: c.OutageMax, logger: c.Logger,
		stored:   make(chan struct{}, 1),
		inFlight: make(chan struct{}, c.InFlightMax),
		answered: make(chan struct{}, 1),
		pending:  make(chan proposal, c.InFlightMax),
		stop:     make(chan struct{}),
	}
}

// start begins to work; apply must be set.
func (b *batcher) start() {
	b.finished.Go(b.propose)
	b.finished.Go(b.answer)
}

// close ends both goroutines after everybody who waits was answered. raft must
// still run, so that every future comes back.
func (b *batcher) close() {
	close(b.stop)
	b.finished.Wait()
}

// noteStored is the log store's hook: a batch is durable here.
func (b *batcher) noteStored(logs []*raft.Log) {
	for _, l := range logs {
		if l.Type == raft.LogCommand {
			signal(b.stored)
			return
		}
	}
}

// signal wakes who receives from a channel of capacity 1, or leaves a note.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// propose is the one goroutine that gives the requests their order.
func (b *batcher) propose() {
	defer close(b.pending)
	tick := time.NewTimer(time.Hour)
	defer tick.Stop()
	for {
		tick.Reset(b.untilDue())
		select {
		case <-b.stop:
			return
		case <-b.inbox.Ready():
		case <-b.answered:
		case <-tick.C:
		}
		for next := b.next(); next != nil; next = b.inbox.Take() {
			if !b.send(next) {
				return
			}
		}
	}
}

// next returns the batch to propose: the inbox's oldest, or an empty one when
// something is due, or a check is, and nothing under way would bring the time.
func (b *batcher) next() *inbox.Chunk {
	if oldest := b.inbox.Take(); oldest != nil {
		return oldest
	}
	if b.leading.Load() && (b.untilDue() <= 0 || b.check.Load() != nil) && len(b.inFlight) == 0 {
		b.counters.ticks.Add(1)
		return &inbox.Chunk{Data: make([]byte, sequencer.BatchHeaderBytes)}
	}
	return nil
}

// untilDue returns how long nothing is due.
func (b *batcher) untilDue() time.Duration {
	due, any := b.machine.nextDue()
	if any { // then a leader's time goes on in the log, so that the next leader knows it
		due = min(due, b.sent.Load()+int64(b.outageGrace)/2)
	}
	if !any || !b.leading.Load() || len(b.inFlight) > 0 {
		return time.Hour // an answer or a request comes before
	}
	over, _ := b.tickAfter.Since() // of a refusal
	return max(time.Duration(due-b.clock.stamp()), -over)
}

// send sends a batch, behind the outage that it finds.
func (b *batcher) send(c *inbox.Chunk) bool {
	now := b.clock.stamp()
	if b.refused.Swap(false) || now-b.sent.Load() > int64(b.outageGrace) {
		var err error
		if now, err = b.sayOutages(); err != nil {
			c.Fail(err)
			return !errors.Is(err, sequencer.ErrStopping)
		}
	}
	b.sent.Store(now)
	return b.put(c, now)
}

// put hands a batch with a stamp to raft and returns when the next one may be formed: a
// batch that is proposed earlier would be nearly empty and wait a whole fsync.
func (b *batcher) put(c *inbox.Chunk, stamp int64) bool {
	w := b.wait(c)
	select {
	case b.inFlight <- struct{}{}:
	case <-b.stop:
		w.fail(sequencer.ErrStopping)
		return false
	}
	if w.answered.Load() { // it was given up while it waited for its place
		<-b.inFlight
		b.forget(w)
		return true
	}
	select { // a note that is left over is of an older batch
	case <-b.stored:
	default:
	}
	// The level is of what is applied here: whoever reads this batch has the entry that
	// raised the level in front of it.
	sequencer.PutBatchHeaderAt(c.Data, b.machine.atLevel(), stamp, c.Count)
	b.machine.proposing.Add(1)
	b.counters.proposals.Add(1)
	if c.Count > 0 {
		b.counters.waitTimes.Observe(time.Since(c.Since))
	}
	failpoint.Hit(failpoint.ProposeBefore)
	entry := raft.Log{Data: c.Data}
	if check := b.check.Swap(nil); check != nil {
		entry.Extensions = *check
	}
	b.pending <- proposal{w, b.apply(entry), time.Now()}
	select {
	case <-b.stored:
	case <-b.stop:
	}
	return true
}

// wait notes who waits for a batch.
func (b *batcher) wait(c *inbox.Chunk) *waiting {
	w := &waiting{chunk: c}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, w)
	return w
}

func (b *batcher) forget(w *waiting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = slices.DeleteFunc(b.waiting, func(o *waiting) bool { return o == w })
}

// abandon tells who waits for a batch that its outcome is unknown: what it waits for hangs.
// The batch goes on, and is decided or not.
func (b *batcher) abandon(why error) {
	b.mu.Lock()
	all := slices.Clone(b.waiting)
	b.mu.Unlock()
	for _, w := range all {
		if !w.answered.Load() {
			w.fail(b.explain(why, w.chunk.Count))
		}
	}
}

// answer tells the waiters of each batch what was decided.
func (b *batcher) answer() {
	for p := range b.pending {
		err := p.future.Error()
		b.forget(p.waiting)
		b.machine.proposing.Add(-1)
		if err == nil {
			err = b.deliver(p)
		}
		if err != nil {
			b.refused.Store(true)
			b.tickAfter.Set(time.Now().Add(tickPause))
			p.fail(b.explain(err, p.chunk.Count))
		}
		b.counters.commitTimes.Observe(time.Since(p.began))
		<-b.inFlight
		signal(b.stored)
		signal(b.answered)
	}
}

func (b *batcher) deliver(p proposal) error {
	d, err := decisionsOf(p.future)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.AnswerBefore)
	if p.answered.CompareAndSwap(false, true) {
		p.chunk.Deliver(d.Results)
	}
	failpoint.Hit(failpoint.AnswerAfter)
	return nil
}

// decisionsOf returns what this node's machine made of an entry that is committed: its
// decisions, or the error that it failed to apply it with.
func decisionsOf(committed raft.ApplyFuture) (*sequencer.Decisions, error) {
	switch response := committed.Response().(type) {
	case *sequencer.Decisions:
		return response, nil
	case error:
		return nil, response
	default:
		panic(fmt.Sprintf("raftfsm: an applied batch answered %T", response))
	}
}

// explain turns raft's error into what the request's sender must do: only these
// three say that the batch was not taken; after every other one it may still be
// committed.
func (b *batcher) explain(err error, count int) error {
	if errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrLeadershipTransferInProgress) || errors.Is(err, raft.ErrEnqueueTimeout) {
		b.counters.refused.Add(uint64(count))
		return b.leaderError()
	}
	b.counters.unknown.Add(uint64(count))
	return fmt.Errorf("%w: %w", sequencer.ErrOutcomeUnknown, err)
}
