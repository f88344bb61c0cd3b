// Package inbox is the bounded queue of commands in front of whoever sends them on
// in batches: the leader's batcher, and a front-end's way to the leader. Whatever
// queued while the last batch was away is the next one, in order.
package inbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"onsale/sequencer"
)

// ErrFrames is returned when PutMany is given bytes that are not that many
// encoded commands, or more than one batch holds. Nothing was taken.
var ErrFrames = errors.New("not a batch of encoded commands")

// Config bounds an inbox.
type Config struct {
	RequestsMax, BytesMax           int // of the inbox
	BatchRequestsMax, BatchBytesMax int // of one chunk, the header's room included
	// HeaderBytes is the room in front of a chunk's commands.
	HeaderBytes int
}

// Inbox is the bounded queue. All methods are safe for concurrent use. A request
// has no place in the order before Take handed it out, and gets the place in which
// Put was called: Put appends under one lock, and whole chunks leave in the order
// in which they were begun.
type Inbox struct {
	config Config

	mu       sync.Mutex
	closed   error    // why nothing is taken; nil when open
	chunks   []*Chunk // oldest first; the newest is being filled
	requests int
	bytes    int
	waiters  sync.Pool

	overloaded atomic.Uint64 // requests refused because of a bound
	refused    atomic.Uint64 // requests refused because it was shut

	// The bounds of a chunk; see LimitBatch.
	batchRequestsMax, batchBytesMax int

	// Of the last chunk that was taken: the next one will be about as large.
	chunkBytes, chunkEntries int

	ready chan struct{} // capacity 1: there may be something to take
}

// New returns an inbox that is shut with an error until Open.
func New(config Config, closed error) *Inbox {
	return &Inbox{
		config: config, closed: closed, ready: make(chan struct{}, 1),
		batchRequestsMax: config.BatchRequestsMax, batchBytesMax: config.BatchBytesMax,
		waiters: sync.Pool{New: func() any { return &Waiter{done: make(chan struct{}, 1)} }},
	}
}

// LimitBatch lowers the bounds of the chunks that are begun from now on; they are
// never raised above the configuration's.
func (b *Inbox) LimitBatch(requestsMax, bytesMax int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batchRequestsMax = min(requestsMax, b.config.BatchRequestsMax)
	b.batchBytesMax = min(bytesMax, b.config.BatchBytesMax)
}

// Ready has a note in it when there may be something to take.
func (b *Inbox) Ready() <-chan struct{} { return b.ready }

// Wake leaves a note in Ready.
func (b *Inbox) Wake() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// Closed returns why nothing is taken; nil when the inbox is open.
func (b *Inbox) Closed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Overloaded returns how many requests were refused because of a bound.
func (b *Inbox) Overloaded() uint64 { return b.overloaded.Load() }

// Refused returns how many requests were refused because the inbox was shut, those
// that waited then included.
func (b *Inbox) Refused() uint64 { return b.refused.Load() }

// Open begins to take requests.
func (b *Inbox) Open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = nil
}

// Shut refuses requests with err from now on and answers those that wait with it:
// they were not taken.
func (b *Inbox) Shut(err error) {
	b.mu.Lock()
	chunks := b.chunks
	b.closed, b.chunks, b.requests, b.bytes = err, nil, 0, 0
	b.mu.Unlock()
	for _, c := range chunks {
		b.refused.Add(uint64(c.Count))
		c.Fail(err)
	}
}

// Put appends one command and returns who waits for it, or why it was not taken.
func (b *Inbox) Put(c *sequencer.Command) (*Waiter, error) {
	w := b.waiters.Get().(*Waiter)
	w.results, w.err = w.one[:], nil
	b.mu.Lock()
	defer b.mu.Unlock()
	target, err := b.room(1, commandBytesMax(c))
	if err != nil {
		b.waiters.Put(w)
		return nil, err
	}
	before := len(target.Data)
	target.Data = sequencer.AppendCommand(target.Data, c)
	b.added(target, w, 1, len(target.Data)-before)
	return w, nil
}

// commandBytesMax bounds the length of a command's encoding.
func commandBytesMax(c *sequencer.Command) int {
	return 64 + len(c.User) + len(c.Reference) + len(c.Actor) + len(c.Body)
}

// PutMany appends encoded commands, which stay together in one batch.
func (b *Inbox) PutMany(frames []byte, count int, results []sequencer.Result) (*Waiter, error) {
	if len(results) < count || !framed(frames, count) || count > b.config.BatchRequestsMax || len(frames) > b.config.BatchBytesMax-b.config.HeaderBytes {
		return nil, fmt.Errorf("%w: %d commands in %d bytes, at most %d in %d, room for %d results",
			ErrFrames, count, len(frames), b.config.BatchRequestsMax, b.config.BatchBytesMax, len(results))
	}
	w := b.waiters.Get().(*Waiter)
	w.results, w.err = results[:count], nil
	b.mu.Lock()
	defer b.mu.Unlock()
	target, err := b.room(count, len(frames))
	if err != nil {
		b.waiters.Put(w)
		return nil, err
	}
	target.Data = append(target.Data, frames...)
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
func (b *Inbox) room(count, size int) (*Chunk, error) {
	if b.closed != nil {
		b.refused.Add(uint64(count))
		return nil, b.closed
	}
	if b.requests+count > b.config.RequestsMax || b.bytes+size > b.config.BytesMax {
		b.overloaded.Add(uint64(count))
		return nil, sequencer.ErrOverloaded
	}
	if last := len(b.chunks) - 1; last >= 0 {
		newest := b.chunks[last]
		if newest.Count+count <= b.batchRequestsMax && len(newest.Data)+size <= b.batchBytesMax {
			return newest, nil
		}
	}
	// About as long as the last one will be: growing it would copy it under the lock.
	capacity := max(512, min(b.batchBytesMax, b.chunkBytes+b.chunkBytes/4))
	newest := &Chunk{Data: make([]byte, b.config.HeaderBytes, capacity), Since: time.Now(), entries: make([]entry, 0, b.chunkEntries+b.chunkEntries/4+1)}
	b.chunks = append(b.chunks, newest)
	return newest, nil
}

func (b *Inbox) added(target *Chunk, w *Waiter, count, size int) {
	target.entries = append(target.entries, entry{w, target.Count})
	target.Count += count
	b.requests += count
	b.bytes += size
	b.Wake()
}

// Take removes the oldest chunk; nil when there is none.
func (b *Inbox) Take() *Chunk {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.chunks) == 0 {
		return nil
	}
	oldest := b.chunks[0]
	b.chunks = b.chunks[1:]
	b.chunkBytes, b.chunkEntries = len(oldest.Data), len(oldest.entries)
	b.requests -= oldest.Count
	b.bytes -= len(oldest.Data) - b.config.HeaderBytes
	return oldest
}

// Fill returns how full the inbox is, 0 to 1.
func (b *Inbox) Fill() float64 {
	requests, bytes := b.Load()
	return max(float64(requests)/float64(b.config.RequestsMax), float64(bytes)/float64(b.config.BytesMax))
}

// Load returns how much is queued.
func (b *Inbox) Load() (requests, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests, b.bytes
}

// Wait returns when the waiter was answered, and gives the waiter back. With an error it
// returns no decision: what lies in the waiter then is of whoever had it before.
func (b *Inbox) Wait(w *Waiter) (first sequencer.Result, err error) {
	<-w.done
	if err = w.err; err == nil {
		first = w.results[0]
	}
	w.results = nil
	b.waiters.Put(w)
	return first, err
}
