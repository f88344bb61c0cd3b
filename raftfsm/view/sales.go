package view

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"onsale/sequencer"
)

// allSalesAgeMax is how old the list of all sales may be when there are many of
// them: copying 10,000 sales for every reader of every batch is not worth it.
const (
	allSalesAgeMax = 100 * time.Millisecond
	fewSales       = 64
)

// Sales is what readers see without taking a lock of the state: a view of
// each sale, replaced when a batch changed it, and how far the log was applied.
type Sales struct {
	table atomic.Pointer[saleTable]
	all   atomic.Pointer[allSales]
	turns atomic.Uint64 // counts updates, so that all knows its age

	// publishing is held while a batch's views are replaced, so that After sees
	// all of a batch or nothing: who goes on behind the newest change that it was
	// shown must not miss another one of that batch, or a sale that was added.
	publishing sync.RWMutex

	seq     atomic.Uint64
	at      atomic.Pointer[sequencer.Position]
	waiting atomic.Int64
	mu      sync.Mutex
	moved   chan struct{} // closed and replaced when seq moves
}

type allSales struct {
	turn  uint64
	made  time.Time
	sales []sequencer.SaleView
}

// NewSales returns the view of a state without sales.
func NewSales() *Sales {
	p := &Sales{moved: make(chan struct{})}
	p.table.Store(newSaleTable())
	p.at.Store(&sequencer.Position{})
	p.all.Store(&allSales{})
	return p
}

// Update publishes the sales that the last batch changed.
func (p *Sales) Update(state *sequencer.State) {
	touched := state.TouchedSales()
	if len(touched) == 0 {
		return
	}
	p.publishing.Lock()
	defer p.publishing.Unlock()
	if table := p.table.Load(); state.SaleCount() > len(table.entries) {
		p.table.Store(table.with(state))
	}
	entries := p.table.Load().entries
	for _, number := range touched {
		view, _ := state.Sale(number)
		entries[number-1].view.Store(&view)
	}
	p.turns.Add(1)
}

// Replace publishes another state as a whole.
func (p *Sales) Replace(state *sequencer.State) {
	p.publishing.Lock()
	defer p.publishing.Unlock()
	p.table.Store(newSaleTable().with(state))
	p.turns.Add(1)
}

// All returns all sales by number; what is returned never changes. With more than 64
// sales it may be 100 ms old.
func (p *Sales) All() []sequencer.SaleView {
	cached, turn := p.all.Load(), p.turns.Load()
	if cached.turn == turn || len(cached.sales) > fewSales && time.Since(cached.made) < allSalesAgeMax {
		return cached.sales
	}
	entries := p.table.Load().entries
	fresh := &allSales{turn: turn, made: time.Now(), sales: make([]sequencer.SaleView, len(entries))}
	for i, e := range entries {
		fresh.sales[i] = *e.view.Load()
	}
	p.all.Store(fresh)
	return fresh.sales
}

// After returns the views that changed after a seq and time, oldest change
// first, as of one batch.
func (p *Sales) After(seq uint64, time int64) []sequencer.SaleView {
	var changed []sequencer.SaleView
	for _, v := range p.views() {
		if v.AsOfSeq > seq || v.AsOfSeq == seq && v.AsOfTime > time {
			changed = append(changed, *v)
		}
	}
	slices.SortStableFunc(changed, func(a, b sequencer.SaleView) int {
		return cmp.Or(cmp.Compare(a.AsOfSeq, b.AsOfSeq), cmp.Compare(a.AsOfTime, b.AsOfTime))
	})
	return changed
}

// views returns all views by number as of one batch. The next batch waits only while
// pointers are copied.
func (p *Sales) views() []*sequencer.SaleView {
	p.publishing.RLock()
	defer p.publishing.RUnlock()
	table := p.table.Load()
	views := make([]*sequencer.SaleView, len(table.entries))
	for i, e := range table.entries {
		views[i] = e.view.Load()
	}
	return views
}

// ByID returns the sale with an id; what is returned never changes.
func (p *Sales) ByID(id string) (*sequencer.SaleView, bool) {
	found := p.table.Load().slot(id).Load()
	if found == nil {
		return nil, false
	}
	return found.view.Load(), true
}

// Seq returns up to which decision the log was applied.
func (p *Sales) Seq() uint64 { return p.seq.Load() }

// Position returns the place of the last batch that was applied.
func (p *Sales) Position() sequencer.Position { return *p.at.Load() }

// Applied tells who waits that the log was applied up to a seq, and to the batch at a
// position.
func (p *Sales) Applied(seq uint64, at sequencer.Position) {
	p.at.Store(&at)
	p.seq.Store(seq)
	if p.waiting.Load() == 0 {
		return
	}
	p.mu.Lock()
	close(p.moved)
	p.moved = make(chan struct{})
	p.mu.Unlock()
}

// Wait returns when seq was applied, or sequencer.ErrBehind.
func (p *Sales) Wait(ctx context.Context, seq uint64) error {
	if p.seq.Load() >= seq {
		return nil
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for {
		p.mu.Lock()
		moved := p.moved
		p.mu.Unlock()
		if p.seq.Load() >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: at %d, asked for %d", sequencer.ErrBehind, p.seq.Load(), seq)
		}
	}
}
