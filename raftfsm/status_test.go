package raftfsm

import (
	"reflect"
	"testing"
	"time"

	"onsale/sequencer"
)

// The status has the log's time at which the clock of holds stopped, while it is stopped.
func TestHoldsStoppedSince(t *testing.T) {
	s, d := sequencer.New(), new(sequencer.Decisions)
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i, step := range []struct {
		command sequencer.Command
		want    *time.Time
	}{
		{sequencer.Command{Kind: sequencer.KindHoldGo}, nil},
		{sequencer.Command{Kind: sequencer.KindHoldStop, Count: 60}, new(at.Add(time.Second))},
		{sequencer.Command{Kind: sequencer.KindHoldStop, Count: 60}, new(at.Add(time.Second))},
		{sequencer.Command{Kind: sequencer.KindHoldGo}, nil},
		{sequencer.Command{Kind: sequencer.KindHoldStop, Count: 60}, new(at.Add(4 * time.Second))},
	} {
		now := at.Add(time.Duration(i) * time.Second).UnixNano()
		s.Apply(&sequencer.Batch{Time: now, Commands: []sequencer.Command{step.command}}, d)
		got := holdsStoppedSince(s)
		if (got == nil) != (step.want == nil) || got != nil && !got.Equal(*step.want) {
			t.Errorf("step %d: %v, wanted %v", i, got, step.want)
		}
	}
}

// The status has the disputes that need a response, and the refunds that failed for good until a
// seller takes note.
func TestMoneyOf(t *testing.T) {
	s, d := sequencer.New(), new(sequencer.Decisions)
	spec := sequencer.SaleSpec{ID: "gig", Item: "gig", Quantity: 9, Cap: 2, Price: 100, Currency: "EUR", StartsAt: 1, Hold: int64(time.Hour), Grace: int64(time.Minute)}
	by := time.Date(2026, 12, 7, 0, 0, 0, 0, time.UTC)
	var order uint64
	for i, step := range []struct {
		command sequencer.Command
		want    Money
	}{
		{sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}, Money{}},
		{sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: []byte("ann"), Quantity: 2}, Money{}},
		{sequencer.Command{Kind: sequencer.KindPayBegin, User: []byte("ann"), Amount: 200, Reference: []byte("a")}, Money{}},
		{sequencer.Command{Kind: sequencer.KindPayResult, Attempt: 1, Outcome: sequencer.PayAccepted}, Money{}},
		{sequencer.Command{Kind: sequencer.KindPayCaptured, Attempt: 1, Amount: 200}, Money{}},
		{sequencer.Command{Kind: sequencer.KindPayDisputed, Attempt: 1, Dispute: sequencer.DisputeNeedsResponse, Amount: 200, Count: uint32(by.Unix())},
			Money{DisputesOpen: 1, EvidenceBy: &by}},
		{sequencer.Command{Kind: sequencer.KindPayDisputed, Attempt: 1, Dispute: sequencer.DisputeUnderReview, Amount: 200, Count: uint32(by.Unix())}, Money{}},
		{sequencer.Command{Kind: sequencer.KindRefund}, Money{}},
		{sequencer.Command{Kind: sequencer.KindPayBounced, Attempt: 1, Count: 1, Reason: sequencer.ReasonDisputed}, Money{RefundsFailed: 1}},
		{sequencer.Command{Kind: sequencer.KindAcknowledge, Attempt: 1, Body: []byte("the bank paid")}, Money{}},
	} {
		step.command.Order = order
		s.Apply(&sequencer.Batch{Time: int64(time.Hour), Commands: []sequencer.Command{step.command}}, d)
		if order = max(order, d.Results[0].Order); d.Results[0].Code != sequencer.CodeOK {
			t.Fatalf("step %d: %+v", i, d.Results[0])
		}
		if got := moneyOf(s); !reflect.DeepEqual(got, step.want) {
			t.Errorf("step %d: %+v, wanted %+v", i, got, step.want)
		}
	}
}
