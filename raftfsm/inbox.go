package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"onsale/sequencer"
)

// ErrFrames is returned when DecideMany is given bytes that are not that many
// encoded commands, or more than one batch holds. Nothing was taken.
var ErrFrames = errors.New("not a batch of encoded commands")

// waiter waits for the decisions of commands that lie one after the other in a
// chunk.
type waiter struct {
	results []sequencer.Result // filled before done
	one     [1]sequencer.Result
	err     error
	done    chan struct{} // capacity 1: whoever answers never blocks
}

// entry says which commands of a chunk a waiter waits for.
type entry struct {
	waiter *waiter
	first  int
}

// chunk is a batch in the making: an encoded batch whose header is still empty,
// and who waits for it. Its data becomes a raft entry and is never used again.
type chunk struct {
	data    []byte
	count   int
	entries []entry
}

// inbox is the bounded queue in front of the sequencer. A request has no place in
// the order before take handed it out, and gets the place in which put was
// called: put appends under one lock, and whole chunks leave in the order in which
// they were begun.
type inbox struct {
	requestsMax, bytesMax           int // of the inbox
	batchRequestsMax, batchBytesMax int // of one chunk

	mu       sync.Mutex
	closed   error    // why nothing is taken; nil when open
	chunks   []*chunk // oldest first; the newest is being filled
	requests int
	bytes    int
	waiters  sync.Pool

	overloaded atomic.Uint64 // requests refused because of a bound

	chunkBytes int // length of the last chunk that was taken

	ready chan struct{} // capacity 1: there may be something to take
}

func newInbox(c *Config) *inbox {
	return &inbox{
		requestsMax: c.InboxRequestsMax, bytesMax: c.InboxBytesMax,
		batchRequestsMax: c.BatchRequestsMax, batchBytesMax: c.BatchBytesMax,
		closed: sequencer.ErrNoLeader, ready: make(chan struct{}, 1),
		waiters: sync.Pool{New: func() any { return &waiter{done: make(chan struct{}, 1)} }},
	}
}

// open begins to take requests.
func (b *inbox) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = nil
}

// shut refuses requests with err from now on and answers those that wait with it:
// they were not taken.
func (b *inbox) shut(err error) {
	b.mu.Lock()
	chunks := b.chunks
	b.closed, b.chunks, b.requests, b.bytes = err, nil, 0, 0
	b.mu.Unlock()
	for _, c := range chunks {
		c.fail(err)
	}
}

// put appends one command and returns who waits for it, or why it was not taken.
func (b *inbox) put(c *sequencer.Command) (*waiter, error) {
	w := b.waiters.Get().(*waiter)
	w.results, w.err = w.one[:], nil
	b.mu.Lock()
	defer b.mu.Unlock()
	target, err := b.room(1, commandBytesMax(c))
	if err != nil {
		b.waiters.Put(w)
		return nil, err
	}
	before := len(target.data)
	target.data = sequencer.AppendCommand(target.data, c)
	b.added(target, w, 1, len(target.data)-before)
	return w, nil
}

// commandBytesMax bounds the length of a command's encoding.
func commandBytesMax(c *sequencer.Command) int { return 64 + len(c.User) + len(c.Body) }

// putMany appends encoded commands, which stay together in one batch.
func (b *inbox) putMany(frames []byte, count int, results []sequencer.Result) (*waiter, error) {
	if len(results) < count || !framed(frames, count) || count > b.batchRequestsMax || len(frames) > b.batchBytesMax-sequencer.BatchHeaderBytes {
		return nil, fmt.Errorf("%w: %d commands in %d bytes, at most %d in %d, room for %d results",
			ErrFrames, count, len(frames), b.batchRequestsMax, b.batchBytesMax, len(results))
	}
	w := b.waiters.Get().(*waiter)
	w.results, w.err = results[:count], nil
	b.mu.Lock()
	defer b.mu.Unlock()
	target, err := b.room(count, len(frames))
	if err != nil {
		b.waiters.Put(w)
		return nil, err
	}
	target.data = append(target.data, frames...)
	b.added(target, w, count, len(frames))
	return w, nil
}

// framed reports whether data is exactly count framed commands, so that no
// front-end can spoil the batch that others are in.
func framed(data []byte, count int) bool {
	for ; count > 0; count-- {
		if len(data) < 2 {
			return false
		}
		length := int(binary.LittleEndian.Uint16(data))
		if length < 1 || length > sequencer.CommandBytesMax || len(data) < 2+length {
			return false
		}
		data = data[2+length:]
	}
	return len(data) == 0
}

// room returns the chunk that takes the next commands, or why there is none.
func (b *inbox) room(count, size int) (*chunk, error) {
	if b.closed != nil {
		return nil, b.closed
	}
	if b.requests+count > b.requestsMax || b.bytes+size > b.bytesMax {
		b.overloaded.Add(uint64(count))
		return nil, sequencer.ErrOverloaded
	}
	if last := len(b.chunks) - 1; last >= 0 {
		newest := b.chunks[last]
		if newest.count+count <= b.batchRequestsMax && len(newest.data)+size <= b.batchBytesMax {
			return newest, nil
		}
	}
	// About as long as the last one will be: growing it would copy it under the lock.
	capacity := max(512, min(b.batchBytesMax, b.chunkBytes+b.chunkBytes/4))
	newest := &chunk{data: make([]byte, sequencer.BatchHeaderBytes, capacity)}
	b.chunks = append(b.chunks, newest)
	return newest, nil
}

func (b *inbox) added(target *chunk, w *waiter, count, size int) {
	target.entries = append(target.entries, entry{w, target.count})
	target.count += count
	b.requests += count
	b.bytes += size
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take removes the oldest chunk; nil when there is none.
func (b *inbox) take() *chunk {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.chunks) == 0 {
		return nil
	}
	oldest := b.chunks[0]
	b.chunks = b.chunks[1:]
	b.chunkBytes = len(oldest.data)
	b.requests -= oldest.count
	b.bytes -= len(oldest.data) - sequencer.BatchHeaderBytes
	return oldest
}

// load returns how much is queued.
func (b *inbox) load() (requests, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests, b.bytes
}

// fail answers everybody in the chunk with an error.
func (c *chunk) fail(err error) {
	for _, e := range c.entries {
		e.waiter.err = err
		e.waiter.done <- struct{}{}
	}
}

// deliver answers everybody in the chunk with their decisions.
func (c *chunk) deliver(results []sequencer.Result) {
	for _, e := range c.entries {
		copy(e.waiter.results, results[e.first:])
		e.waiter.done <- struct{}{}
	}
}

// wait returns when the waiter was answered, and gives the waiter back.
func (b *inbox) wait(w *waiter) (sequencer.Result, error) {
	<-w.done
	first, err := w.results[0], w.err
	w.results = nil
	b.waiters.Put(w)
	return first, err
}
