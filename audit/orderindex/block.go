package orderindex

import "onsale/audit/follow"

// decoded is a block with what it decides, reused from block to block.
type decoded struct{ follow.Block }

// saleKey is the key of what happens to all orders of a sale at once; an order's is its seq.
func saleKey(sale uint16) uint64 { return 1<<63 | uint64(sale) }

// appendPairs appends the pairs of a block; a key that comes several times in a row once.
func (d *decoded) appendPairs(dst []pair, height uint64) []pair {
	add := func(key uint64) {
		if key != 0 && (len(dst) == 0 || dst[len(dst)-1] != pair{key, height}) {
			dst = append(dst, pair{key, height})
		}
	}
	for i := range d.Decisions.Results {
		r := &d.Decisions.Results[i]
		add(follow.OrderOf(&d.Batch.Commands[i], r))
		if follow.OfAll(r) {
			add(saleKey(r.Sale))
		}
	}
	for i := range d.Decisions.Events {
		add(d.Decisions.Events[i].Order)
	}
	return dst
}
