package view

import (
	"context"
	"reflect"
	"testing"
	"time"

	"onsale/sequencer"
)

// noted notes one block with the results of some commands and some events.
func (c *Changes) noted(height uint64, kind sequencer.Kind, orders []uint64, events ...uint64) {
	d, commands := new(sequencer.Decisions), make([]sequencer.Command, len(orders))
	for i, order := range orders {
		commands[i].Kind = kind
		d.Results = append(d.Results, sequencer.Result{Kind: kind, Order: order})
	}
	for _, order := range events {
		d.Events = append(d.Events, sequencer.Event{Order: order})
	}
	c.Note(height, commands, d)
}

func TestChanges(t *testing.T) {
	c := NewChanges()
	c.noted(1, sequencer.KindBuy, []uint64{1, 2})
	c.noted(2, sequencer.KindCancel, []uint64{1, 0}, 2, 3)
	c.noted(3, sequencer.KindPayBegin, []uint64{4})
	for _, want := range []struct {
		after  uint64
		orders []uint64
		upTo   uint64
	}{{0, []uint64{4, 3, 2, 1}, 3}, {1, []uint64{4, 3, 2, 1}, 3}, {2, []uint64{4}, 3}, {3, nil, 3}, {9, nil, 9}} {
		orders, upTo, complete := c.After(want.after)
		if !complete || upTo != want.upTo || !reflect.DeepEqual(orders, want.orders) {
			t.Errorf("after %d: %v up to %d, %t", want.after, orders, upTo, complete)
		}
	}
	// Closing a sale ends who waited, without an event for each.
	c.noted(4, sequencer.KindSaleClose, []uint64{0})
	if _, upTo, complete := c.After(3); complete || upTo != 4 {
		t.Error("a closed sale changed nothing")
	}
	if orders, _, complete := c.After(4); !complete || len(orders) != 0 {
		t.Error("who knows of the closing is told again")
	}
}

// What does not fit is told as incomplete to who would need it, and to nobody else.
func TestChangesOverflow(t *testing.T) {
	c := NewChanges()
	for height := uint64(1); height <= ChangesMax+100; height++ {
		c.noted(height, sequencer.KindCancel, []uint64{height})
	}
	if _, _, complete := c.After(99); complete {
		t.Error("complete, although change 100 was forgotten")
	}
	orders, upTo, complete := c.After(100)
	if !complete || len(orders) != ChangesMax || upTo != ChangesMax+100 || orders[0] != ChangesMax+100 || orders[ChangesMax-1] != 101 {
		t.Errorf("%d orders up to %d, %t", len(orders), upTo, complete)
	}
	c.Reset(1 << 20)
	if _, upTo, complete := c.After(100); complete || upTo != 1<<20 {
		t.Error("after a restore")
	}
}

// A buy wakes nobody; a change does, and so does a restore.
func TestWaitChanges(t *testing.T) {
	c := NewChanges()
	woken := make(chan struct{}, 1)
	wait := func(ctx context.Context, height uint64) { c.Wait(ctx, height); woken <- struct{}{} }
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	go wait(ctx, 0)
	c.noted(1, sequencer.KindBuy, []uint64{1})
	select {
	case <-woken:
		t.Fatal("a buy woke it")
	case <-time.After(20 * time.Millisecond):
	}
	c.noted(2, sequencer.KindCancel, []uint64{1})
	<-woken
	wait(ctx, 1) // at once
	<-woken
	go wait(ctx, 2)
	c.Reset(5)
	<-woken
	short, end := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer end()
	wait(short, 5)
	if <-woken; short.Err() == nil || ctx.Err() != nil {
		t.Error("it did not end with its context alone")
	}
}

// What was restored is a change of every order up to its height, and of none above.
func TestChangesAfterARestore(t *testing.T) {
	c := NewChanges()
	c.noted(4, sequencer.KindCancel, []uint64{1, 2})
	c.Reset(10)
	for height, want := range map[uint64]bool{0: false, 4: false, 9: false, 10: true, 11: true} {
		if orders, upTo, complete := c.After(height); complete != want || len(orders) > 0 || upTo != max(10, height) {
			t.Errorf("after %d: %v up to %d, %t", height, orders, upTo, complete)
		}
	}
	c.noted(11, sequencer.KindCancel, []uint64{3})
	if orders, upTo, complete := c.After(10); !complete || upTo != 11 || !reflect.DeepEqual(orders, []uint64{3}) {
		t.Errorf("after the restore: %v up to %d, %t", orders, upTo, complete)
	}
	if remembered, incomplete := c.Load(); remembered != 1 || incomplete != 3 {
		t.Errorf("%d remembered, %d times too few", remembered, incomplete)
	}
	c.Wait(t.Context(), 9) // at once
}
