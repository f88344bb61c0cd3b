package stream

import (
	"encoding/json"
	"strconv"

	"onsale/api/contract"
	"onsale/sequencer"
)

// appendEvent appends one event as the wire has it. data is JSON, which has no line
// feed.
func appendEvent(dst []byte, name, id string, data []byte) []byte {
	dst = append(dst, "id: "...)
	dst = append(dst, id...)
	dst = append(dst, "\nevent: "...)
	dst = append(dst, name...)
	dst = append(dst, "\ndata: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// newest returns a sale's newest event and its version: the one at hand when the sale is
// the same, else a new one, unless the view is older than what the event tells.
func (h *Hub) newest(t *topic, v *sequencer.SaleView, now int64) (version uint64, event []byte) {
	version = contract.SaleTag(v, now)
	t.mu.Lock()
	defer t.mu.Unlock()
	if version != t.version && v.AsOfSeq >= t.asOf {
		t.version, t.asOf, t.event = version, v.AsOfSeq, h.saleEvent(v, now, version)
	}
	return t.version, t.event
}

func (h *Hub) saleEvent(v *sequencer.SaleView, now int64, version uint64) []byte {
	h.encoded.Add(1)
	sale := contract.SaleOf(v, now)
	data, err := json.Marshal(&sale)
	if err != nil { // the contract's types can always be marshalled
		panic("api: cannot encode an event: " + err.Error())
	}
	return appendEvent(nil, "sale", FormatID(version), data)
}

// orderEvent returns an order's event and its version.
func (h *Hub) orderEvent(cluster uint8, v *sequencer.OrderView) (version uint64, event []byte) {
	h.encoded.Add(1)
	order := contract.OrderIn(cluster, v)
	data, err := json.Marshal(&order)
	if err != nil {
		panic("api: cannot encode an event: " + err.Error())
	}
	version = contract.TextTag(contract.OrderTag(v))
	return version, appendEvent(nil, "order", FormatID(version), data)
}

// FormatID returns a version as the id of its event.
func FormatID(version uint64) string { return strconv.FormatUint(version, 16) }
