package api

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"testing"

	"onsale/api/contract"
	"onsale/sequencer"
)

// FuzzQuery: what is taken means what net/url makes of it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "q=1", "q=2&min=1&sale=gig", "limit=5&cursor=X", "pretty", "q=0", "q=1&q=2", "a=b", "q=%31", "&", "q=1&", "sale=a+b", "q==1"} {
		f.Add(seed)
	}
	const all = parameterQuantity | parameterMin | parameterSale | parameterLimit | parameterCursor | parameterPretty
	f.Fuzz(func(t *testing.T, raw string) {
		var q query
		if q.read([]byte(raw), all) != nil {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("net/url refuses %q: %v", raw, err)
		}
		for name, value := range values {
			if parameterNamed([]byte(name)) == 0 || len(value) != 1 {
				t.Errorf("%q: %s is %q", raw, name, value)
			}
		}
		for name, number := range map[string]int{"q": int(q.quantity), "min": int(q.min)} {
			if want, _ := strconv.Atoi(values.Get(name)); want != number {
				t.Errorf("%q: %s is %d, want %d", raw, name, number, want)
			}
		}
		if values.Get("sale") != string(q.sale) || values.Get("cursor") != string(q.cursor) || q.limit < 1 || q.limit > limitMax {
			t.Errorf("%q: %+v", raw, q)
		}
	})
}

// FuzzDecision holds the answer of a buy to encoding/json.
func FuzzDecision(f *testing.F) {
	f.Add(uint64(1), uint64(1), int64(1_800_000_000_123_456_789), uint32(0), uint16(1), uint8(0), uint8(2), uint8(2), int64(0))
	f.Add(uint64(1<<63), uint64(0), int64(0), uint32(7), uint16(65535), uint8(3), uint8(0), uint8(0), int64(1_800_000_000_000_000_000))
	f.Fuzz(func(t *testing.T, seq, order uint64, deadline int64, position uint32, sale uint16, code, state, quantity uint8, startsAt int64) {
		result := sequencer.Result{
			Seq: seq, Order: order, Deadline: deadline & sequencer.TimeMax, Position: position, Sale: sale,
			Code: sequencer.Code(code) % sequencer.CodeCount, State: sequencer.OrderState(state) % 8, Quantity: quantity,
		}
		startsAt &= sequencer.TimeMax - 1
		want, err := json.Marshal(decisionOf(&result, startsAt))
		must(t, err)
		if got := appendDecision(nil, 0, &result, startsAt); string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// decisionOf says in the contract's terms what a result is.
func decisionOf(result *sequencer.Result, startsAt int64) contract.Decision {
	if result.Code != sequencer.CodeOK {
		d := contract.Decision{Status: "fail", Reason: result.Code.String(), Seq: result.Seq}
		if startsAt != 0 {
			starts := contract.Time(startsAt)
			d.StartsAt = &starts
		}
		return d
	}
	uid := sequencer.FormatUID(result.Sale, result.Order)
	d := contract.Decision{
		Status: result.State.Status(), Callback: contract.CallbackPrefix + uid, Order: uid, State: result.State.String(),
		Quantity: result.Quantity, Position: result.Position, Seq: result.Seq,
	}
	if result.Deadline != 0 {
		expires := contract.Time(result.Deadline)
		d.ExpiresAt = &expires
	}
	return d
}

// FuzzHeader: the header reader alone, on bytes that no HTTP library saw first.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("Host: a\r\n\r\n"))
	f.Add([]byte("Host: a\r\n b\r\n\r\n"))
	f.Add([]byte("Authorization: x\r\nAuthorization: y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h header
		if h.read(raw, 64) != nil || len(raw) == 0 {
			return
		}
		if !bytes.HasSuffix(raw, []byte("\r\n")) || bytes.Contains(raw, []byte("\r\n ")) || bytes.Contains(raw, []byte("\r\n\t")) {
			t.Errorf("taken: %q", raw)
		}
	})
}
