package api

import (
	"time"

	"onsale/sequencer"
)

type orderKey struct {
	cluster uint8
	seq     uint64
}

// orderChannel is an order that its buyer listens to.
type orderChannel struct {
	channel
	at   place
	stop func() // of the watch
}

// orderEvents answers GET /v1/orders/{uid}/events.
func (p *Public) orderEvents(r *request) error {
	cluster, view, err := p.polledOrder(r, parameterAfterSeq)
	if err != nil {
		return err
	}
	version, event := p.streams.orderEvent(cluster.Number, &view)
	if known := string(r.header.lastEventID) == formatID(version); known && isOver(&view) {
		r.ctx.Response.SetStatusCode(204) // nothing will come: do not ask again
		return nil
	} else if known {
		event = nil
	}
	at := place{cluster.Number, view.Sale, view.Seq}
	return p.streams.take(r, event, func(l *listener) {
		l.shown = version
		p.streams.order(at, cluster.Backend, l)
	})
}

// order adds a listener to an order's channel. The caller holds the lock.
func (s *streams) order(at place, backend Backend, l *listener) {
	key := orderKey{at.cluster, at.seq}
	c := s.orders[key]
	if c == nil {
		c = &orderChannel{at: at}
		c.stop = backend.Watch(at.seq, func() { s.changed(key) })
		s.orders[key] = c
	}
	c.add(l)
	s.changed(key) // it may have, since it was read
}

// changed notes that an order is to be read.
func (s *streams) changed(key orderKey) {
	s.dirtyMu.Lock()
	s.dirty[key] = struct{}{}
	s.dirtyMu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// serveOrders reads the orders that changed and writes them to their listeners.
func (s *streams) serveOrders() {
	ticker := time.NewTicker(heartbeatInterval)
	defer ticker.Stop()
	readers := make(chan struct{}, orderReadersMax)
	for {
		select {
		case <-s.public.stopping.Done():
			return
		case <-s.wake:
			for _, key := range s.takeDirty() {
				readers <- struct{}{}
				s.done.Go(func() {
					defer func() { <-readers }()
					s.serveOrder(key)
				})
			}
		case now := <-ticker.C:
			s.beatOrders(now)
		}
	}
}

func (s *streams) takeDirty() []orderKey {
	s.dirtyMu.Lock()
	defer s.dirtyMu.Unlock()
	keys := make([]orderKey, 0, len(s.dirty))
	for key := range s.dirty {
		keys = append(keys, key)
	}
	clear(s.dirty)
	return keys
}

// serveOrder writes one order as it is now. When it cannot be read, it is tried again
// with the next beat.
func (s *streams) serveOrder(key orderKey) {
	s.mu.Lock()
	c := s.orders[key]
	s.mu.Unlock()
	if c == nil {
		return
	}
	cluster, err := s.public.clusterOf(c.at)
	var view sequencer.OrderView
	if err == nil {
		view, err = s.public.orderNow(cluster, c.at)
	}
	if err == nil {
		version, event := s.orderEvent(key.cluster, &view)
		c.publish(view.AsOfSeq, version, event)
	} else if s.public.stopping.Err() == nil {
		time.AfterFunc(time.Second, func() { s.changed(key) })
	}
	s.leave(c.serve(nil, time.Now()))
	if err == nil && isOver(&view) {
		s.leave(c.end())
	}
	s.drop(key, c)
}

func (s *streams) beatOrders(now time.Time) {
	s.mu.Lock()
	channels := make(map[orderKey]*orderChannel, len(s.orders))
	for key, c := range s.orders {
		channels[key] = c
	}
	s.mu.Unlock()
	for key, c := range channels {
		s.leave(c.serve(heartbeat, now))
		s.drop(key, c)
	}
}

// drop forgets an order that nobody listens to any more.
func (s *streams) drop(key orderKey, c *orderChannel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.size() > 0 || s.orders[key] != c {
		return
	}
	delete(s.orders, key)
	c.stop()
}
