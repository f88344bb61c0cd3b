package view

import (
	"context"
	"sync"

	"onsale/sequencer"
)

// ChangesMax bounds the changes of orders that are remembered. Who asks for older ones
// is told that any order may have changed.
const ChangesMax = 1 << 16

// Changes remembers which orders changed of late, and in which block of the journal:
// heights are the same on every replica, so that who follows them may go from one to
// another. Buys are no changes: nobody can wait for an order that is not there.
type Changes struct {
	mu     sync.Mutex
	ring   []change // the newest ChangesMax, oldest at start when it is full
	start  int
	floor  uint64        // everything above this height is remembered
	height uint64        // of the newest block
	moved  chan struct{} // closed and replaced when something changed
	asked  bool          // somebody waits for moved

	incomplete uint64 // how often somebody was told that any order may have changed
}

type change struct{ height, order uint64 }

// NewChanges remembers nothing yet.
func NewChanges() *Changes { return &Changes{moved: make(chan struct{})} }

// Note takes in what a block changed.
func (c *Changes) Note(height uint64, commands []sequencer.Command, d *sequencer.Decisions) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.height = height
	before := len(c.ring) + c.start
	all := false
	for i := range d.Results {
		r := &d.Results[i]
		switch {
		case r.Kind == sequencer.KindBuy:
		case changesAll(r.Kind):
			all = true
		case r.Order != 0 && r.Kind == commands[i].Kind && r.Kind != sequencer.KindForward:
			c.add(change{height, r.Order})
		}
	}
	for i := range d.Events {
		c.add(change{height, d.Events[i].Order})
	}
	if all {
		c.forget(height)
	}
	if all || len(c.ring)+c.start != before {
		c.wake()
	}
}

// changesAll reports whether a command changes orders without an event of each: who waited is
// cancelled with the sale's end, and holds end later.
func changesAll(kind sequencer.Kind) bool {
	switch kind {
	case sequencer.KindSaleClose, sequencer.KindSaleCancel, sequencer.KindSaleExtend, sequencer.KindOutage, sequencer.KindHoldGo:
		return true
	}
	return false
}

// add remembers a change, and forgets the oldest when there is no room.
func (c *Changes) add(one change) {
	if len(c.ring) < ChangesMax {
		c.ring = append(c.ring, one)
		return
	}
	c.floor = c.ring[c.start%ChangesMax].height
	c.ring[c.start%ChangesMax] = one
	c.start++
}

// forget makes everything up to a height a change of every order.
func (c *Changes) forget(height uint64) {
	c.ring, c.start, c.floor, c.height = c.ring[:0], 0, height, height
}

// Reset is forget for who restores a state.
func (c *Changes) Reset(height uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(height)
	c.wake()
}

func (c *Changes) wake() {
	if c.asked {
		close(c.moved)
		c.moved, c.asked = make(chan struct{}), false
	}
}

// After returns the orders that changed above a height, and the height up to which
// that is so. It is incomplete when any order may have changed.
func (c *Changes) After(height uint64) (orders []uint64, upTo uint64, complete bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if height < c.floor {
		c.incomplete++
		return nil, c.height, false
	}
	for i := len(c.ring) - 1; i >= 0; i-- {
		one := c.ring[(c.start+i)%len(c.ring)]
		if one.height <= height {
			break
		}
		orders = append(orders, one.order)
	}
	return orders, max(height, c.height), true
}

// Load returns how many changes are remembered, and how often too few were.
func (c *Changes) Load() (remembered int, incomplete uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.ring), c.incomplete
}

// Wait returns when something has changed above a height, or ctx ends.
func (c *Changes) Wait(ctx context.Context, height uint64) {
	for {
		c.mu.Lock()
		newest := len(c.ring) - 1
		if height < c.floor || newest >= 0 && c.ring[(c.start+newest)%len(c.ring)].height > height {
			c.mu.Unlock()
			return
		}
		moved := c.moved
		c.asked = true
		c.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}
