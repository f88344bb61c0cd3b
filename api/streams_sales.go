package api

import "time"

// saleEvents answers GET /v1/tickets/events?sale=ID.
func (p *Public) saleEvents(r *request) error {
	if problem := r.query.read(r.raw, parameterSale); problem != nil {
		return problem
	}
	if err := p.shed(r, p.config.ShedViewsLoad, shedView); err != nil {
		return err
	}
	_, view, err := p.saleOf(&r.query)
	if err != nil {
		return err
	}
	id := view.ID
	version, event := p.streams.newest(p.streams.sale(id), view, r.started.UnixNano())
	if string(r.header.lastEventID) == formatID(version) {
		event = nil
	}
	return p.streams.take(r, event, func(l *listener) {
		l.shown = version
		p.streams.channel(id).add(l)
	})
}

// sale returns a sale's channel.
func (s *streams) sale(id string) *channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channel(id)
}

// channel is sale for who holds the lock.
func (s *streams) channel(id string) *channel {
	c := s.sales[id]
	if c == nil {
		c = new(channel)
		s.sales[id] = c
	}
	return c
}

// serveSales writes what changed of the sales, as often as StreamInterval says and the
// listeners' number allows.
func (s *streams) serveSales() {
	pause, beat := s.public.config.StreamInterval, time.Now().Add(heartbeatInterval)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-s.public.stopping.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		var beating []byte
		if began.After(beat) {
			beating, beat = heartbeat, began.Add(heartbeatInterval)
		}
		s.broadcast(beating, began)
		timer.Reset(max(pause, (broadcastShare-1)*time.Since(began)))
	}
}

// broadcast writes each sale's newest event to its listeners.
func (s *streams) broadcast(beat []byte, now time.Time) {
	s.mu.Lock()
	channels := make(map[string]*channel, len(s.sales))
	for id, c := range s.sales {
		if c.size() == 0 {
			delete(s.sales, id)
			continue
		}
		channels[id] = c
	}
	s.mu.Unlock()
	for id, c := range channels {
		if _, view, err := s.public.findSale(id); err == nil {
			s.newest(c, view, s.public.config.Clock().UnixNano())
		}
		s.leave(c.serve(beat, now))
		s.wrote.Add(1)
	}
}
