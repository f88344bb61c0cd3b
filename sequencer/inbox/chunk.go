package inbox

import (
	"encoding/binary"
	"time"

	"onsale/sequencer"
)

// Waiter waits for the decisions of commands that lie one after the other in a
// chunk.
type Waiter struct {
	results []sequencer.Result // filled before done
	one     [1]sequencer.Result
	err     error
	done    chan struct{} // capacity 1: whoever answers never blocks
}

// entry says which commands of a chunk a waiter waits for.
type entry struct {
	waiter *Waiter
	first  int
}

// Chunk is a batch in the making: encoded commands behind room for a header, and
// who waits for them. Whoever took it owns Data, which is never used again here.
type Chunk struct {
	Data  []byte
	Count int
	// Since is when the first of its commands came.
	Since   time.Time
	entries []entry
}

// Split parts a chunk whose front has a room of headerBytes: those who wait for a command
// of a kind are in with, with nothing but them to be answered; all others are in without,
// in their order. without has a Count of 0 when nobody is. The chunk itself is used up.
func (c *Chunk) Split(headerBytes int, kind sequencer.Kind) (with, without *Chunk) {
	with = &Chunk{Since: c.Since}
	without = &Chunk{Data: make([]byte, headerBytes, len(c.Data)), Since: c.Since}
	rest := c.Data[headerBytes:]
	for i, e := range c.entries {
		count := c.Count - e.first
		if i+1 < len(c.entries) {
			count = c.entries[i+1].first - e.first
		}
		length := framesBytes(rest, count)
		to := without
		if sequencer.CountKind(rest[:length], kind) > 0 {
			to = with
		} else {
			without.Data = append(without.Data, rest[:length]...)
		}
		to.entries = append(to.entries, entry{e.waiter, to.Count})
		to.Count += count
		rest = rest[length:]
	}
	return with, without
}

// framesBytes returns the length of the first frames of whole ones.
func framesBytes(frames []byte, count int) (length int) {
	for range count {
		length += 2 + int(binary.LittleEndian.Uint16(frames[length:]))
	}
	return length
}

// Fail answers everybody in the chunk with an error.
func (c *Chunk) Fail(err error) {
	for _, e := range c.entries {
		e.waiter.err = err
		e.waiter.done <- struct{}{}
	}
}

// Deliver answers everybody in the chunk with their decisions.
func (c *Chunk) Deliver(results []sequencer.Result) {
	for _, e := range c.entries {
		copy(e.waiter.results, results[e.first:])
		e.waiter.done <- struct{}{}
	}
}
