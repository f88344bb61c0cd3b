package stream

import "onsale/internal/metric"

// Stats is what a hub counts.
type Stats struct {
	Open       int64  // streams
	Left       uint64 // subscribers that went, or were let go
	Broadcasts uint64 // rounds in which a sale's newest event was written
	Encoded    uint64 // events
}

// Stats returns what was counted until now.
func (h *Hub) Stats() Stats {
	return Stats{Open: h.open.open.Load(), Left: h.left.Load(), Broadcasts: h.wrote.Load(), Encoded: h.encoded.Load()}
}

// AddMetrics adds what is counted of buyers' streams and long polls. Nothing is shown
// before there are any: find returns nil until then.
func AddMetrics(s *metric.Set, find func() (*Hub, *Polls)) {
	h := each(func() *Hub { hub, _ := find(); return hub })
	p := each(func() *Polls { _, polls := find(); return polls })
	s.Gauges("onsale_streams_open", "Open event streams of buyers.", nil,
		h(func(h *Hub) float64 { return float64(h.Stats().Open) }))
	s.Gauges("onsale_streams_open_max", "Bound of onsale_streams_open.", nil,
		h(func(h *Hub) float64 { return float64(h.open.most) }))
	s.Counters("onsale_streams_refused_total", "Event streams refused because of a bound: all, user.", boundLabel,
		refusals(func() *bound {
			if hub, _ := find(); hub != nil {
				return hub.open
			}
			return nil
		}))
	s.Counters("onsale_streams_ended_total", "Event streams whose listener went, or read nothing for too long.", nil,
		h(func(h *Hub) float64 { return float64(h.Stats().Left) }))
	s.Counters("onsale_stream_broadcasts_total", "Rounds in which a sale's newest event was written to its listeners.", nil,
		h(func(h *Hub) float64 { return float64(h.Stats().Broadcasts) }))
	s.Counters("onsale_stream_encodings_total", "Events encoded: one for each change that is told, however many listen.", nil,
		h(func(h *Hub) float64 { return float64(h.Stats().Encoded) }))

	s.Gauges("onsale_polls_waiting", "Requests that wait for their order to change.", nil,
		p(func(p *Polls) float64 { return float64(p.open.open.Load()) }))
	s.Gauges("onsale_polls_waiting_max", "Bound of onsale_polls_waiting.", nil,
		p(func(p *Polls) float64 { return float64(p.open.most) }))
	s.Counters("onsale_polls_refused_total", "Long polls refused because of a bound: all, user.", boundLabel,
		refusals(func() *bound {
			if _, polls := find(); polls != nil {
				return polls.open
			}
			return nil
		}))
}

// AddSellerMetrics adds what is counted of sellers' streams, in the same way.
func AddSellerMetrics(s *metric.Set, find func() *Sellers) {
	l := each(find)
	s.Gauges("onsale_seller_streams_open", "Open event streams of sellers.", nil,
		l(func(l *Sellers) float64 { return float64(l.open.open.Load()) }))
	s.Gauges("onsale_seller_streams_open_max", "Bound of onsale_seller_streams_open.", nil,
		l(func(l *Sellers) float64 { return float64(l.open.most) }))
	s.Counters("onsale_seller_streams_refused_total", "Event streams of sellers refused because of a bound: all, user.", boundLabel,
		refusals(func() *bound {
			if sellers := find(); sellers != nil {
				return sellers.open
			}
			return nil
		}))
}

// boundLabel says which bound was met.
var boundLabel = []string{"bound"}

// refusals shows how often each bound was met, once there is one.
func refusals(find func() *bound) func(metric.Show) {
	return func(show metric.Show) {
		b := find()
		if b == nil {
			return
		}
		for which := range b.refused {
			show(float64(b.refused[which].Load()), refusalNames[which])
		}
	}
}

// each returns what makes a metric of a number of something that may not be there yet.
func each[T any](find func() *T) func(read func(*T) float64) func(metric.Show) {
	return func(read func(*T) float64) func(metric.Show) {
		return func(show metric.Show) {
			if found := find(); found != nil {
				show(read(found))
			}
		}
	}
}
