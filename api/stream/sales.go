package stream

import (
	"time"

	"github.com/valyala/fasthttp"

	"onsale/sequencer"
)

// Sale makes a stream of a request's connection that tells of a sale. It begins with the
// sale as the view has it, unless the caller knows that event already.
func (h *Hub) Sale(ctx *fasthttp.RequestCtx, requestID []byte, view *sequencer.SaleView, lastEventID []byte, now time.Time) error {
	id := view.ID
	version, event := h.newest(h.sale(id), view, now.UnixNano())
	if string(lastEventID) == FormatID(version) {
		event = nil
	}
	return h.begin(ctx, "", requestID, event, func(s *Subscriber) {
		s.shown = version
		h.topic(id).add(s)
	})
}

// sale returns a sale's topic.
func (h *Hub) sale(id string) *topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topic(id)
}

// topic is sale for who holds the lock.
func (h *Hub) topic(id string) *topic {
	t := h.sales[id]
	if t == nil {
		t = new(topic)
		h.sales[id] = t
	}
	return t
}

// serveSales writes what changed of the sales, as often as Interval says and the
// subscribers' number allows.
func (h *Hub) serveSales() {
	pause, beat := h.config.Interval, time.Now().Add(heartbeatInterval)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		var beating []byte
		if began.After(beat) {
			beating, beat = heartbeat, began.Add(heartbeatInterval)
		}
		h.broadcast(beating, began)
		timer.Reset(max(pause, (broadcastShare-1)*time.Since(began)))
	}
}

// broadcast writes each sale's newest event to its subscribers.
func (h *Hub) broadcast(beat []byte, now time.Time) {
	h.mu.Lock()
	channels := make(map[string]*topic, len(h.sales))
	for id, t := range h.sales {
		if t.size() == 0 {
			delete(h.sales, id)
			continue
		}
		channels[id] = t
	}
	h.mu.Unlock()
	for id, t := range channels {
		if view, err := h.source.Sale(id); err == nil {
			h.newest(t, view, h.config.Clock().UnixNano())
		}
		h.leave(t.serve(beat, now)...)
		h.wrote.Add(1)
	}
}
