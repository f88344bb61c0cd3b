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
				dst = append(dst, d.event(&events[0]))
			}
		}
	}
	for i := range is.Results {
		before(i)
		r, c := &is.Results[i], &d.Batch.Commands[i]
		if follow.OrderOf(c, r) == v.Seq || follow.OfAll(r) && r.Sale == v.Sale && r.Seq > v.Seq {
			dst = append(dst, d.decision(c, r))
		}
	}
	before(len(is.Results))
	return dst
}

var eventStates = [...]sequencer.OrderState{sequencer.EventExpired: sequencer.StateExpired, sequencer.EventPromoted: sequencer.StateReserved,
	sequencer.EventOverdue: sequencer.StatePaying, sequencer.EventCancelled: sequencer.StateCancelled, sequencer.EventRefunded: sequencer.StateRefunded}

func (d *decoded) event(e *sequencer.Event) contract.OrderEvent {
	return contract.OrderEvent{Seq: d.Decisions.FirstSeq + uint64(e.Before) - 1, Time: contract.Time(d.Decisions.Time), Event: e.Kind.String(),
		State: eventStates[e.Kind].String(), Quantity: e.Quantity, ExpiresAt: ending(e.Deadline)}
}

func (d *decoded) decision(c *sequencer.Command, r *sequencer.Result) contract.OrderEvent {
	e := contract.OrderEvent{Seq: r.Seq, Time: contract.Time(d.Decisions.Time), Event: c.Kind.String(), Code: r.Code.String(),
		Quantity: r.Quantity, Position: r.Position, Attempt: r.Attempt, Part: c.Part, Actor: string(c.Actor)}
	if r.State != sequencer.StateNone {
		e.State = r.State.String()
	}
	if r.State.Holds() {
		e.ExpiresAt = ending(r.Deadline)
	}
	switch c.Kind {
	case sequencer.KindPayResult, sequencer.KindPayVoided, sequencer.KindPayBounced:
		e.Attempt = c.Attempt
		if c.Outcome != 0 {
			e.Outcome = c.Outcome.String()
		}
		if c.Reason != sequencer.ReasonNone {
			e.Reason = c.Reason.String()
		}
	case sequencer.KindPayCalled:
		e.Attempt = c.Attempt
	case sequencer.KindPayBegin, sequencer.KindSaleExtend:
		e.Amount = c.Amount
	case sequencer.KindPayCaptured:
		e.Attempt, e.Amount = c.Attempt, c.Amount
	case sequencer.KindPayDisputed:
		e.Attempt, e.Amount, e.Dispute = c.Attempt, c.Amount, c.Dispute.String()
	case sequencer.KindSettle:
		e.Attempt, e.Amount, e.Outcome, e.Note = c.Attempt, c.Amount, c.Outcome.String(), string(c.Body)
	case sequencer.KindAcknowledge:
		e.Attempt, e.Note = c.Attempt, string(c.Body)
	}
	return e
}

func ending(nanoseconds int64) *time.Time {
	if nanoseconds == 0 {
		return nil
	}
	at := contract.Time(nanoseconds)
	return &at
}

var _ Journal = (*journal.History)(nil)
