package orderindex

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"onsale/api/contract"
	"onsale/audit/follow"
	"onsale/sequencer"
	"onsale/wal/journal"
)

const (
	// PageBlocksMax bounds the blocks that a page of an order's history is read from. Most orders
	// have less than ten.
	PageBlocksMax = 64
	// ReadyWait bounds the wait for blocks that are not in the index yet.
	ReadyWait = time.Second
)

// History returns what happened to an order up to what a replica says of it, in the blocks above a
// height, 0 for all, which is a page's cursor. contract.ErrJournalIncomplete when the journal does
// not have the order's beginning, sequencer.ErrBehind while the index is being made.
func (x *Index) History(ctx context.Context, v *sequencer.OrderView, uid string, after uint64) (*contract.OrderHistory, error) {
	ctx, cancel := context.WithTimeout(ctx, ReadyWait)
	defer cancel()
	upTo := v.AsOf.Height
	heights, err := x.heightsOf(ctx, v, uid, after)
	if err != nil {
		return nil, err
	}
	told := &contract.OrderHistory{Order: uid, Events: []contract.OrderEvent{}, AsOf: v.AsOf.String()}
	if told.HasMore = len(heights) > PageBlocksMax; told.HasMore {
		heights = heights[:PageBlocksMax]
		told.Cursor = strconv.FormatUint(heights[PageBlocksMax-1], 10)
	}
	var d decoded
	for _, height := range heights {
		if height > upTo {
			break
		}
		b, err := x.journal.Block(height)
		if err == nil {
			err = d.Decode(&b)
		}
		if err != nil {
			return nil, err
		}
		told.Events = d.appendEvents(told.Events, v)
	}
	if after == 0 && (len(told.Events) == 0 || told.Events[0].Seq != v.Seq) {
		return nil, incomplete(uid)
	}
	return told, nil
}

// heightsOf returns the heights, above after, of the blocks in which something of an order may be:
// its own, and its sale's since it was made.
func (x *Index) heightsOf(ctx context.Context, v *sequencer.OrderView, uid string, after uint64) ([]uint64, error) {
	own, err := x.heights(ctx, 0, v.AsOf.Height, v.Seq)
	if err != nil {
		return nil, err
	}
	if len(own) == 0 || own[0] > v.AsOf.Height {
		return nil, incomplete(uid)
	}
	after = max(after, own[0]-1)
	all, err := x.heights(ctx, after, v.AsOf.Height, saleKey(v.Sale))
	if err != nil {
		return nil, err
	}
	all = append(all, above(own, after)...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

func incomplete(uid string) error {
	return contract.NewProblem(contract.JournalIncomplete, fmt.Sprintf("this node's journal does not have the beginning of order %s", uid))
}

// appendEvents appends what a block has of an order, in order.
func (d *decoded) appendEvents(dst []contract.OrderEvent, v *sequencer.OrderView) []contract.OrderEvent {
	is, events := &d.Decisions, d.Decisions.Events
	before := func(i int) { // what happened before command i was decided
		for ; len(events) > 0 && int(events[0].Before) <= i; events = events[1:] {
			if events[0].Order == v.Seq {
				dst = append(dst, contract.EventOf(is, &events[0]))
			}
		}
	}
	for i := range is.Results {
		before(i)
		r, c := &is.Results[i], &d.Batch.Commands[i]
		if follow.OrderOf(c, r) == v.Seq || follow.OfAll(r) && r.Sale == v.Sale && r.Seq > v.Seq {
			dst = append(dst, contract.DecisionOf(is, c, r))
		}
	}
	before(len(is.Results))
	return dst
}

var _ Journal = (*journal.History)(nil)
