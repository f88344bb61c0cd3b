package contract

import (
	"encoding/json"
	"testing"

	"onsale/sequencer"
)

// FuzzDecision holds the answer of a buy to encoding/json.
func FuzzDecision(f *testing.F) {
	f.Add(uint64(1), uint64(1), int64(1_800_000_000_123_456_789), uint32(0), uint16(1), uint8(0), uint8(2), uint8(2), int64(0))
	f.Add(uint64(1<<63), uint64(0), int64(0), uint32(7), uint16(65535), uint8(3), uint8(0), uint8(0), int64(1_800_000_000_000_000_000))
	f.Add(uint64(9), uint64(0), int64(0), uint32(0), uint16(0), uint8(sequencer.CodeNotEnough), uint8(0), uint8(1), int64(0))
	f.Fuzz(func(t *testing.T, seq, order uint64, deadline int64, position uint32, sale uint16, code, state, quantity uint8, startsAt int64) {
		result := sequencer.Result{
			Seq: seq, Order: order, Deadline: deadline & sequencer.TimeMax, Position: position, Sale: sale,
			Code: sequencer.Code(code) % sequencer.CodeCount, State: sequencer.OrderState(state) % 8, Quantity: quantity,
		}
		if result.Code == sequencer.CodeNotEnough {
			result.Quantity = max(1, quantity) // else it is sold out
		}
		startsAt &= sequencer.TimeMax - 1
		want, err := json.Marshal(decisionOf(&result, startsAt))
		must(t, err)
		if got := AppendDecision(nil, 0, &result, startsAt); string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// decisionOf says in the contract's terms what a result is.
func decisionOf(result *sequencer.Result, startsAt int64) Decision {
	if result.Code != sequencer.CodeOK {
		d := Decision{Status: "fail", Reason: result.Code.String(), Seq: result.Seq}
		if startsAt != 0 {
			starts := Time(startsAt)
			d.StartsAt = &starts
		}
		if result.Code == sequencer.CodeNotEnough {
			d.AvailableQuantity, d.Detail = result.Quantity, DetailNotEnough
		}
		return d
	}
	uid := sequencer.FormatUID(result.Sale, result.Order)
	d := Decision{
		Status: result.State.Status(), Callback: CallbackPrefix + uid, Order: uid, State: result.State.String(),
		Quantity: result.Quantity, Position: result.Position, Seq: result.Seq,
	}
	if result.Deadline != 0 {
		expires := Time(result.Deadline)
		d.ExpiresAt = &expires
	}
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
