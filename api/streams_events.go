package api

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
func (s *streams) newest(c *channel, v *sequencer.SaleView, now int64) (version uint64, event []byte) {
	version = saleTag(v, now)
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version && v.AsOfSeq >= c.asOf {
		c.version, c.asOf, c.event = version, v.AsOfSeq, s.saleEvent(v, now, version)
	}
	return c.version, c.event
}

func (s *streams) saleEvent(v *sequencer.SaleView, now int64, version uint64) []byte {
	s.encoded.Add(1)
	sale := contract.SaleOf(v, now)
	data, err := json.Marshal(&sale)
	if err != nil { // the contract's types can always be marshalled
		panic("api: cannot encode an event: " + err.Error())
	}
	return appendEvent(nil, "sale", formatID(version), data)
}

// orderEvent returns an order's event and its version.
func (s *streams) orderEvent(cluster uint8, v *sequencer.OrderView) (version uint64, event []byte) {
	s.encoded.Add(1)
	order := orderOf(cluster, v)
	data, err := json.Marshal(&order)
	if err != nil {
		panic("api: cannot encode an event: " + err.Error())
	}
	version = textTag(orderTag(v))
	return version, appendEvent(nil, "order", formatID(version), data)
}

func formatID(version uint64) string { return strconv.FormatUint(version, 16) }
