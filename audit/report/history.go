package report

import (
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
)

// history is who changed the sale, and how; the oldest changes give way to newer ones.
type history struct {
	changes []contract.PastChange
	leftOut uint64
}

func (h *history) add(one contract.PastChange) {
	if len(h.changes) == contract.ChangesMax {
		h.changes = append(h.changes[:0], h.changes[1:]...)
		h.leftOut++
	}
	h.changes = append(h.changes, one)
}

// noteChange adds a command that the sale took to its history; before are the sale's settings
// as they were.
func (b *books) noteChange(c *sequencer.Command, r *sequencer.Result, before map[string]any) {
	view := b.saleView()
	was, is := contract.Difference(before, contract.Settings(&view, b.now))
	if c.Kind == sequencer.KindSaleExtend {
		is["extended_by"] = time.Duration(c.Amount).String()
	}
	b.history.add(contract.PastChange{Seq: r.Seq, At: contract.Time(b.now), Verb: c.Kind.String(), Actor: string(c.Actor), Before: was, After: is})
}
