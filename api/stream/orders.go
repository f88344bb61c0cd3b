package stream

import (
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/contract"
	"onsale/sequencer"
)

// orderTopic is an order that its buyer listens to.
type orderTopic struct {
	topic
	stop func() // of the watch
}

// Order makes a stream of a request's connection that tells of an order. It begins with
// the order as the view has it, unless the caller knows that event already: then an order
// that is over is answered 204, nothing will come. When the caller's right is over or taken
// back the stream ends.
func (h *Hub) Order(ctx *fasthttp.RequestCtx, requestID []byte, at contract.Place, view *sequencer.OrderView, lastEventID []byte, right Right) error {
	version, event := h.orderEvent(at.Cluster, view)
	if known := string(lastEventID) == FormatID(version); known && isOver(view) {
		ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	} else if known {
		event = nil
	}
	return h.begin(ctx, view.User, requestID, event, func(s *Subscriber) {
		s.shown, s.right = version, right
		h.follow(at, s)
	})
}

// isOver reports whether an order stays as it is for ever.
func isOver(v *sequencer.OrderView) bool {
	return v.VoidsDue == 0 && (v.State == sequencer.StateExpired || v.State == sequencer.StateCancelled || v.State == sequencer.StateRefunded)
}

// follow adds a subscriber to an order's topic. The caller holds the lock.
func (h *Hub) follow(at contract.Place, s *Subscriber) {
	t := h.orders[at]
	if t == nil {
		t = &orderTopic{}
		t.stop = h.source.Watch(at, func() { h.changed(at) })
		h.orders[at] = t
	}
	t.add(s)
	h.changed(at) // it may have, since it was read, and the subscriber's right may be gone
}

// changed notes that an order is to be read.
func (h *Hub) changed(at contract.Place) {
	h.dirtyMu.Lock()
	h.dirty[at] = struct{}{}
	h.dirtyMu.Unlock()

	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// serveOrders reads the orders that changed and writes them to their subscribers.
func (h *Hub) serveOrders() {
	ticker, second := time.NewTicker(heartbeatInterval), time.NewTicker(time.Second)
	defer ticker.Stop()
	defer second.Stop()
	readers, revokes := make(chan struct{}, orderReadersMax), h.config.RevokesMore()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.wake:
			for _, at := range h.takeDirty() {
				readers <- struct{}{}
				h.done.Go(func() {
					defer func() { <-readers }()
					h.serveOrder(at)
				})
			}
		case now := <-ticker.C:
			h.beatOrders(now)
		case <-second.C:
			now := h.config.Clock().Unix()
			h.expireOrders(func(t *orderTopic) bool { return t.isDue(now) })
		case <-revokes:
			revokes = h.config.RevokesMore() // before anybody is asked, so that none is missed
			h.expireOrders(func(*orderTopic) bool { return true })
		}
	}
}

func (h *Hub) takeDirty() []contract.Place {
	h.dirtyMu.Lock()
	defer h.dirtyMu.Unlock()
	orders := make([]contract.Place, 0, len(h.dirty))
	for at := range h.dirty {
		orders = append(orders, at)
	}
	clear(h.dirty)
	return orders
}

// serveOrder writes one order as it is now. When it cannot be read, it is tried again
// a second later.
func (h *Hub) serveOrder(at contract.Place) {
	h.mu.Lock()
	t := h.orders[at]
	h.mu.Unlock()
	if t == nil {
		return
	}

	view, err := h.source.Order(at)
	if err == nil {
		version, event := h.orderEvent(at.Cluster, &view)
		t.publish(view.AsOfSeq, version, event)
	} else if h.ctx.Err() == nil {
		time.AfterFunc(time.Second, func() { h.changed(at) })
	}

	h.leave(t.expire(h.config.Clock().Unix())...)
	h.leave(t.serve(nil, time.Now())...)
	if err == nil && isOver(&view) {
		h.leave(t.end()...)
	}
	h.drop(at, t)
}

func (h *Hub) beatOrders(now time.Time) {
	for at, t := range h.ordersThat(func(*orderTopic) bool { return true }) {
		h.leave(t.serve(heartbeat, now)...)
		h.drop(at, t)
	}
}

// expireOrders ends the streams of the wanted orders whose callers' tokens are over or were
// revoked.
func (h *Hub) expireOrders(wanted func(*orderTopic) bool) {
	for at, t := range h.ordersThat(wanted) {
		h.leave(t.expire(h.config.Clock().Unix())...)
		h.drop(at, t)
	}
}

// ordersThat returns the orders that are followed and wanted.
func (h *Hub) ordersThat(wanted func(*orderTopic) bool) map[contract.Place]*orderTopic {
	h.mu.Lock()
	defer h.mu.Unlock()
	topics := map[contract.Place]*orderTopic{}
	for at, t := range h.orders {
		if wanted(t) {
			topics[at] = t
		}
	}
	return topics
}

// drop forgets an order that nobody listens to any more.
func (h *Hub) drop(at contract.Place, t *orderTopic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.size() > 0 || h.orders[at] != t {
		return
	}
	delete(h.orders, at)
	t.stop()
}
