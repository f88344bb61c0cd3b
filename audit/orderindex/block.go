package orderindex

import (
	"fmt"

	"onsale/sequencer"
	"onsale/wal/journal"
)

// decoded is a block with what it decides, reused from block to block.
type decoded struct {
	batch     sequencer.Batch
	decisions sequencer.Decisions
}

func (d *decoded) read(b *journal.Block) error {
	err := sequencer.DecodeBatch(b.Batch, &d.batch)
	if err == nil {
		err = sequencer.DecodeDecisions(b.Decisions, d.batch.Commands, &d.decisions)
	}
	if err != nil {
		return fmt.Errorf("block %d: %w", b.Height, err)
	}
	return nil
}

// saleKey is the key of what happens to all orders of a sale at once; an order's is its seq.
func saleKey(sale uint16) uint64 { return 1<<63 | uint64(sale) }

// orderOf returns the order that a decision is about, 0 for none. A buy that was told its order
// again is about none: its buyer may ask as often as they like.
func orderOf(c *sequencer.Command, r *sequencer.Result) uint64 {
	switch {
	case c.Kind == sequencer.KindForward || r.Code == sequencer.CodeNotTaken || c.Kind == sequencer.KindBuy && r.Replayed:
		return 0
	case c.Kind == sequencer.KindOutage: // its Order is a time
		return 0
	}
	return r.Order
}

// ofAll reports whether a decision changes orders of its sale without an event of each.
func ofAll(r *sequencer.Result) bool {
	switch r.Kind {
	case sequencer.KindSaleClose, sequencer.KindSaleCancel, sequencer.KindSaleExtend:
		return r.Code == sequencer.CodeOK
	}
	return false
}

// appendPairs appends the pairs of a block; a key that comes several times in a row once.
func (d *decoded) appendPairs(dst []pair, height uint64) []pair {
	add := func(key uint64) {
		if key != 0 && (len(dst) == 0 || dst[len(dst)-1] != pair{key, height}) {
			dst = append(dst, pair{key, height})
		}
	}
	for i := range d.decisions.Results {
		r := &d.decisions.Results[i]
		add(orderOf(&d.batch.Commands[i], r))
		if ofAll(r) {
			add(saleKey(r.Sale))
		}
	}
	for i := range d.decisions.Events {
		add(d.decisions.Events[i].Order)
	}
	return dst
}
