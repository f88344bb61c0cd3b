package view

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"onsale/sequencer"
)

// Which results are changes of an order, of every order, or of none.
func TestKindsOfChanges(t *testing.T) {
	one := func(kind, asked sequencer.Kind, order uint64) *Changes {
		c := NewChanges()
		c.noted(1, sequencer.KindCancel, []uint64{9})
		d := &sequencer.Decisions{Results: []sequencer.Result{{Kind: kind, Order: order}}}
		c.Note(2, []sequencer.Command{{Kind: asked}}, d)
		return c
	}
	for kind := sequencer.KindBuy; kind <= sequencer.KindMax; kind++ {
		c := one(kind, kind, 7)
		orders, upTo, complete := c.After(1)
		switch kind {
		case sequencer.KindSaleClose, sequencer.KindSaleCancel, sequencer.KindSaleExtend, sequencer.KindOutage, sequencer.KindHoldGo:
			if complete || len(orders) > 0 {
				t.Errorf("%v changed %v alone", kind, orders)
			}
			if _, _, complete := c.After(2); !complete {
				t.Errorf("who knows of %v is told again", kind)
			}
		case sequencer.KindBuy, sequencer.KindForward:
			if !complete || len(orders) > 0 {
				t.Errorf("%v changed %v, complete %t", kind, orders, complete)
			}
		default:
			if !complete || !reflect.DeepEqual(orders, []uint64{7}) {
				t.Errorf("%v changed %v, complete %t", kind, orders, complete)
			}
		}
		if upTo != 2 {
			t.Errorf("%v: up to %d", kind, upTo)
		}
	}
	for name, c := range map[string]*Changes{
		"no order":                    one(sequencer.KindRefund, sequencer.KindRefund, 0),
		"a result of another command": one(sequencer.KindRefund, sequencer.KindForward, 7),
	} {
		if orders, upTo, complete := c.After(1); len(orders) > 0 || upTo != 2 || !complete {
			t.Errorf("%s changed %v up to %d, complete %t", name, orders, upTo, complete)
		}
	}
}

// The newest changes are remembered however often the ring went round.
func TestChangesGoRound(t *testing.T) {
	c := NewChanges()
	const blocks = 2*ChangesMax + 50
	for height := uint64(1); height <= blocks; height++ {
		c.noted(height, sequencer.KindCancel, []uint64{height})
		if held, _ := c.Load(); held != int(min(height, ChangesMax)) {
			t.Fatalf("%d are remembered after %d", held, height)
		}
	}
	for after, want := range map[uint64]int{blocks - ChangesMax: ChangesMax, blocks - 3: 3, blocks - 1: 1, blocks: 0, blocks + 5: 0} {
		orders, upTo, complete := c.After(after)
		if len(orders) != want || !complete || upTo != max(after, blocks) {
			t.Errorf("after %d: %d orders up to %d, complete %t", after, len(orders), upTo, complete)
		}
		for i, order := range orders {
			if order != blocks-uint64(i) {
				t.Fatalf("after %d: order %d is number %d, the newest first", after, order, i)
			}
		}
	}
	if _, _, complete := c.After(blocks - ChangesMax - 1); complete {
		t.Error("a change is remembered that was forgotten")
	}
	if _, incomplete := c.Load(); incomplete != 1 {
		t.Errorf("%d were told too little", incomplete)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Wait(ctx, blocks)                    // ends with its context
	c.Wait(t.Context(), blocks-1)          // the newest is behind it
	c.Wait(t.Context(), 5)                 // forgotten
	c.Wait(t.Context(), blocks-ChangesMax) // the oldest of all
}

// Who waits is woken by what concerns it: each kind of change, once, and not by a block
// in which nothing changed.
func TestWakeups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewChanges()
		waiting := func(height uint64) (woken *bool) {
			woken = new(bool)
			go func() { c.Wait(t.Context(), height); *woken = true }()
			synctest.Wait()
			return woken
		}
		first, second := waiting(0), waiting(0)
		later := waiting(3)
		for _, step := range []struct {
			name                 string
			note                 func()
			first, second, later bool
		}{
			{"buys", func() { c.noted(1, sequencer.KindBuy, []uint64{1, 2}) }, false, false, false},
			{"nothing", func() { c.noted(2, sequencer.KindBuy, nil) }, false, false, false},
			{"an event", func() { c.noted(3, sequencer.KindBuy, []uint64{3}, 1) }, true, true, false},
			{"a closing", func() { c.noted(4, sequencer.KindSaleClose, []uint64{0}) }, true, true, true},
		} {
			step.note()
			synctest.Wait()
			if *first != step.first || *second != step.second || *later != step.later {
				t.Errorf("after %s: %t, %t, and behind it %t", step.name, *first, *second, *later)
			}
		}
		c.noted(5, sequencer.KindCancel, []uint64{1}) // nobody waits
		restored := waiting(9)
		c.Reset(10)
		synctest.Wait()
		if !*restored {
			t.Error("a restore wakes nobody")
		}
		c.Reset(11) // nobody waits
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if c.Wait(ctx, 11); time.Since(began) != time.Hour {
			t.Errorf("waited for %v", time.Since(began))
		}
	})
}

// What waits in vain asks again, and is told of a change that concerns it later.
func TestWakeupOfWhoWasWokenInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewChanges()
		woken := false
		go func() { c.Wait(t.Context(), 5); woken = true }()
		for height := uint64(1); height <= 6; height++ {
			synctest.Wait()
			if woken {
				t.Fatalf("woken at %d", height-1)
			}
			c.noted(height, sequencer.KindCancel, []uint64{1})
		}
		synctest.Wait()
		if !woken {
			t.Error("not woken at 6")
		}
	})
}
