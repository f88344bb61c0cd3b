package raftfsm

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"onsale/internal/failpoint"
	"onsale/internal/metric"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// proposal is a batch on its way through raft.
type proposal struct {
	chunk  *inbox.Chunk
	future raft.ApplyFuture
	began  time.Time
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
	// tickAfter is when raft may be asked for a tick again, in nanoseconds of the
	// wall clock, after it refused one.
	tickAfter atomic.Int64

	counters batcherCounters
}

// tickPause lies between a tick that was refused and the next: a leader that hands
// over refuses at once, and would be asked again at once.
const tickPause = 10 * time.Millisecond

type batcherCounters struct {
	proposals, ticks, refused, unknown atomic.Uint64
	waitTimes                          metric.Times // of each batch's first request
	commitTimes                        metric.Times
}

func newBatcher(c *Config, in *inbox.Inbox, clock *logClock, m *machine) *batcher {
	return &batcher{
		inbox: in, clock: clock, machine: m,
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
	if !any || !b.leading.Load() || len(b.inFlight) > 0 {
		return time.Hour // an answer or a request comes before
	}
	refused := time.Until(time.Unix(0, b.tickAfter.Load()))
	return max(time.Duration(due-b.clock.stamp()), min(refused, tickPause))
}

// send hands a batch to raft and returns when the next one may be formed: a
// batch that is proposed earlier would be nearly empty and wait a whole fsync.
func (b *batcher) send(c *inbox.Chunk) bool {
	select {
	case b.inFlight <- struct{}{}:
	case <-b.stop:
		c.Fail(sequencer.ErrStopping)
		return false
	}
	select { // a note that is left over is of an older batch
	case <-b.stored:
	default:
	}
	sequencer.PutBatchHeader(c.Data, b.clock.stamp(), c.Count)
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
	b.pending <- proposal{c, b.apply(entry), time.Now()}
	select {
	case <-b.stored:
	case <-b.stop:
	}
	return true
}

// answer tells the waiters of each batch what was decided.
func (b *batcher) answer() {
	for p := range b.pending {
		err := p.future.Error()
		b.machine.proposing.Add(-1)
		if err == nil {
			err = b.deliver(p)
		}
		if err != nil {
			b.tickAfter.Store(time.Now().Add(tickPause).UnixNano())
			p.chunk.Fail(b.explain(err, p.chunk.Count))
		}
		b.counters.commitTimes.Observe(time.Since(p.began))
		<-b.inFlight
		signal(b.stored)
		signal(b.answered)
	}
}

func (b *batcher) deliver(p proposal) error {
	switch response := p.future.Response().(type) {
	case *sequencer.Decisions:
		failpoint.Hit(failpoint.AnswerBefore)
		p.chunk.Deliver(response.Results)
		failpoint.Hit(failpoint.AnswerAfter)
		return nil
	case error:
		return response // committed, but this node failed to apply it
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
