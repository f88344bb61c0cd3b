package forward

import (
	"testing"

	"onsale/cluster/codes"
	"onsale/proof/golden"
	"onsale/sequencer"
)

// What processes of two releases say to each other must not change while a level stands.
func TestGoldenFormats(t *testing.T) {
	header := make([]byte, frameHeaderBytes+7)
	putFrameHeader(header, kindOrders, codes.OK, 0x0102030405060708)
	golden.Format(t, "frame_header", header[:frameHeaderBytes])

	view := fullOrderView()
	at := sequencer.AsOf{Seq: 99, Position: sequencer.Position{Birth: 98, Height: 97}}
	golden.Format(t, "order_view", appendOrderView(appendAsOf(nil, at), &view))

	q := orderQuestion{seq: 1 << 40, reached: 2 << 40, wait: 3000, limit: 4, user: []byte("ann b")}
	golden.Format(t, "order_question", q.append(nil, false))
	golden.Format(t, "orders_question", q.append(nil, true))
}
