package api

import (
	"encoding/json"
	"net/http"
	"time"

	"onsale/api/contract"
)

// liveInterval is how often a seller's live numbers are sent at most.
const liveInterval = 500 * time.Millisecond

// liveMax bounds the sellers' streams of one node: each is a goroutine.
const liveMax = 256

// saleEvents answers GET /v1/sales/{id}/events: the sale's numbers whenever they
// changed, until the caller leaves.
func (p *Private) saleEvents(x *exchange) error {
	view, err := p.sale(x)
	if err != nil {
		return err
	}
	if !p.live.take() {
		return contract.NewProblem(contract.Overloaded, "as many event streams are open as may be")
	}
	defer p.live.give()
	headers := x.writer.Header()
	headers.Set("Content-Type", "text/event-stream")
	headers.Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(x.writer)
	ticker := time.NewTicker(liveInterval)
	defer ticker.Stop()
	shown, beat := uint64(0), time.Now()
	for {
		detail := contract.DetailOf(view, p.config.Clock().UnixNano())
		var event []byte
		if version := view.AsOfSeq ^ uint64(view.AsOfTime)<<1 ^ textTag(detail.Status); version != shown {
			data, err := json.Marshal(&detail)
			if err != nil { // the contract's types can always be marshalled
				panic("api: cannot encode an event: " + err.Error())
			}
			shown, event = version, appendEvent(nil, "sale", formatID(version), data)
		} else if time.Since(beat) > heartbeatInterval {
			event = heartbeat
		}
		if len(event) > 0 {
			beat = time.Now()
			_ = control.SetWriteDeadline(beat.Add(p.config.WriteTimeout)) // of this event alone
			if _, err := x.writer.Write(event); err != nil || control.Flush() != nil {
				return nil // the caller left
			}
		}
		select {
		case <-ticker.C:
		case <-x.request.Context().Done():
			return nil
		case <-p.stopping.Done():
			return nil
		}
		if newest, known := p.backend.SaleByID(view.ID); known {
			view = newest
		}
	}
}
