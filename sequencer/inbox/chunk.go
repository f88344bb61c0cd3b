package inbox

import (
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
