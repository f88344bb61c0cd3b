package export

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"onsale/audit/follow"
	"onsale/sequencer"
)

// Books decide a journal again and keep what rows are made of. They belong to one goroutine.
type Books struct {
	users Users
	state *sequencer.State
	rows  *Rows

	decided  sequencer.Decisions
	attempts map[attemptKey]*attempt
	births   []Row
	zones    map[string]*time.Location
	sales    map[uint16]shown // by sale, what its row says
	looked   time.Time        // the minute in which all were looked at
	position Position
}

// NewBooks returns books in front of the first block.
func NewBooks(users Users) *Books {
	return &Books{users: users, state: sequencer.New(), rows: NewRows(), attempts: map[attemptKey]*attempt{}, zones: map[string]*time.Location{}, sales: map[uint16]shown{}}
}

// Position returns where the books are.
func (b *Books) Position() Position { return b.position }

// Pending returns how many rows Take would return.
func (b *Books) Pending() int { return b.rows.Count() }

// Take returns what changed since it was called last.
func (b *Books) Take() *Rows {
	taken := b.rows
	taken.Position = b.position
	b.rows = NewRows()
	return taken
}

// Merge adds older rows to those that Take would return: they do not replace what is there.
func (b *Books) Merge(older *Rows) {
	for _, t := range Tables() {
		for _, row := range older.Of(t) {
			if !b.rows.has(t, row) {
				b.rows.Put(t, row)
			}
		}
	}
}

// Read books the next block. It returns follow's errors, and one when the block says something
// else than the rules do: the journal is damaged, or of another release.
func (b *Books) Read(block *follow.Block) error {
	if block.Height != b.position.Head.Height+1 {
		return fmt.Errorf("block %d comes after block %d: the journal must be there from its beginning", block.Height, b.position.Head.Height)
	}
	orders := touched(block)
	before := make([]money, len(orders))
	for i, seq := range orders {
		before[i] = b.moneyOf(seq)
	}
	b.state.Apply(&block.Batch, &b.decided)
	if hash := b.state.Hash(); hash != block.StateHash {
		return fmt.Errorf("block %d: deciding it again gives state %x, it says %x", block.Height, hash, block.StateHash)
	}
	b.note(block)
	b.bookBirths()
	b.bookAttempts(block)
	b.bookSales(block)
	for i, seq := range orders {
		b.bookOrder(seq)
		b.bookMovements(int64(i), seq, before[i])
	}
	b.bookAll(block)
	return nil
}

// note keeps where the books are.
func (b *Books) note(block *follow.Block) {
	b.position.Head, b.position.Seq = block.Head(), b.state.Seq()
	b.position.At = clock(block.Decisions.Time)
	if births := b.state.Births(); len(births) > 0 {
		b.position.Cluster = hex.EncodeToString(births[0].Cluster[:])
		b.position.Birth = hex.EncodeToString(births[len(births)-1].Cluster[:])
	}
}

// touched returns the orders that a block's decisions and events are about, each once, in order.
func touched(block *follow.Block) []uint64 {
	var orders []uint64
	for i := range block.Decisions.Results {
		if seq := follow.OrderOf(&block.Batch.Commands[i], &block.Decisions.Results[i]); seq != 0 {
			orders = append(orders, seq)
		}
	}
	for i := range block.Decisions.Events {
		orders = append(orders, block.Decisions.Events[i].Order)
	}
	slices.Sort(orders)
	return slices.Compact(orders)
}

// all calls fn for each order of a sale.
func (b *Books) all(sale uint16, fn func(v *sequencer.OrderView)) {
	q := sequencer.OrderQuery{Sale: sale, Limit: sequencer.OrdersShownMax}
	for more := true; more; {
		var views []sequencer.OrderView
		views, q.After = b.state.OrdersIn(&q)
		for i := range views {
			fn(&views[i])
		}
		more = q.After != 0
	}
}

// bookAll books what changed of many orders without an event of each: a sale that was closed sends
// away who waits, and a longer hold, or a stop of all holds, moves deadlines.
func (b *Books) bookAll(block *follow.Block) {
	sales := map[uint16]bool{}
	for i := range block.Decisions.Results {
		switch r := &block.Decisions.Results[i]; {
		case follow.OfAll(r):
			sales[r.Sale] = true
		case r.Kind == sequencer.KindHoldGo || r.Kind == sequencer.KindOutage:
			for number := uint16(1); b.has(number); number++ {
				sales[number] = true
			}
		}
	}
	for number := uint16(1); len(sales) > 0 && b.has(number); number++ {
		if sales[number] {
			b.all(number, func(v *sequencer.OrderView) { b.putOrder(v) })
		}
	}
}

func (b *Books) has(sale uint16) bool {
	_, known := b.state.Sale(sale)
	return known
}
