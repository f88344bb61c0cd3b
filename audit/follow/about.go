package follow

import "onsale/sequencer"

// OrderOf returns the order that a decision is about, 0 for none. A buy that was told its order
// again is about none: its buyer may ask as often as they like.
func OrderOf(c *sequencer.Command, r *sequencer.Result) uint64 {
	switch {
	case c.Kind == sequencer.KindForward || r.Code == sequencer.CodeNotTaken || c.Kind == sequencer.KindBuy && r.Replayed:
		return 0
	case c.Kind == sequencer.KindOutage: // its Order is a time
		return 0
	}
	return r.Order
}

// OfAll reports whether a decision changes orders of its sale without an event of each.
func OfAll(r *sequencer.Result) bool {
	switch r.Kind {
	case sequencer.KindSaleClose, sequencer.KindSaleCancel, sequencer.KindSaleExtend:
		return r.Code == sequencer.CodeOK
	}
	return false
}
