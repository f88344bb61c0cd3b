package api

import "github.com/prometheus/client_golang/prometheus"

// streamDescriptions describe what is counted of event streams and long polls.
//
//	onsale_streams_open            event streams
//	onsale_streams_ended_total     streams whose listener went, or was let go because it read nothing
//	onsale_stream_broadcasts_total rounds in which sales' events were written
//	onsale_stream_encodings_total  events encoded: one for each change, and not for each listener
//	onsale_polls_waiting           requests that wait for their order to change
type streamDescriptions struct {
	open, ended, broadcasts, encodings, polls *prometheus.Desc
}

func newStreamDescriptions() streamDescriptions {
	return streamDescriptions{
		open:       prometheus.NewDesc("onsale_streams_open", "Open event streams. Alert near the bound --streams-max.", nil, nil),
		ended:      prometheus.NewDesc("onsale_streams_ended_total", "Event streams whose listener went, or read nothing for too long.", nil, nil),
		broadcasts: prometheus.NewDesc("onsale_stream_broadcasts_total", "Rounds in which a sale's newest event was written to its listeners.", nil, nil),
		encodings:  prometheus.NewDesc("onsale_stream_encodings_total", "Events encoded: one for each change that is told, however many listen.", nil, nil),
		polls:      prometheus.NewDesc("onsale_polls_waiting", "Requests that wait for their order to change. Alert near the bound --polls-max.", nil, nil),
	}
}

func (d *streamDescriptions) list() []*prometheus.Desc {
	return []*prometheus.Desc{d.open, d.ended, d.broadcasts, d.encodings, d.polls}
}

// collect shows the streams of the buyers' listener, when there is one.
func (d *streamDescriptions) collect(s *streams, metrics chan<- prometheus.Metric) {
	if s == nil {
		return
	}
	metrics <- prometheus.MustNewConstMetric(d.open, prometheus.GaugeValue, float64(s.open.open.Load()))
	metrics <- prometheus.MustNewConstMetric(d.ended, prometheus.CounterValue, float64(s.left.Load()))
	metrics <- prometheus.MustNewConstMetric(d.broadcasts, prometheus.CounterValue, float64(s.wrote.Load()))
	metrics <- prometheus.MustNewConstMetric(d.encodings, prometheus.CounterValue, float64(s.encoded.Load()))
	metrics <- prometheus.MustNewConstMetric(d.polls, prometheus.GaugeValue, float64(len(s.public.polls)))
}
