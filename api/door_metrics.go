package api

import "github.com/prometheus/client_golang/prometheus"

// doorDescriptions describe what is counted of the buyers' connections.
//
//	onsale_connections_open                    without event streams
//	onsale_connections_max                     the bound
//	onsale_connections_refused_total{bound}    all, address; stopping while the listener drains
//	onsale_connection_timeouts_total{what}     read: a request, or silence between two; write: an answer
//	onsale_accept_errors_total                 the system had nothing left for another connection
type doorDescriptions struct {
	open, most, refused, timeouts, acceptErrors *prometheus.Desc
}

func newDoorDescriptions() doorDescriptions {
	return doorDescriptions{
		open:         prometheus.NewDesc("onsale_connections_open", "Buyers' connections, without event streams. Alert near onsale_connections_max.", nil, nil),
		most:         prometheus.NewDesc("onsale_connections_max", "The bound --connections-max.", nil, nil),
		refused:      prometheus.NewDesc("onsale_connections_refused_total", "Connections that were not let in, by the bound that they met. Alert when bound=\"all\" grows.", []string{"bound"}, nil),
		timeouts:     prometheus.NewDesc("onsale_connection_timeouts_total", "Connections that were ended because reading a request, or waiting for one, or writing an answer took too long.", []string{"what"}, nil),
		acceptErrors: prometheus.NewDesc("onsale_accept_errors_total", "Connections that the system had no files or memory for. Alert when it grows: raise the limit of open files.", nil, nil),
	}
}

func (d *doorDescriptions) list() []*prometheus.Desc {
	return []*prometheus.Desc{d.open, d.most, d.refused, d.timeouts, d.acceptErrors}
}

// collect shows the door of the buyers' listener, when there is one.
func (d *doorDescriptions) collect(door *door, metrics chan<- prometheus.Metric) {
	if door == nil {
		return
	}
	metrics <- prometheus.MustNewConstMetric(d.open, prometheus.GaugeValue, float64(door.open()))
	metrics <- prometheus.MustNewConstMetric(d.most, prometheus.GaugeValue, float64(door.config.ConnectionsMax))
	for why, name := range refusalNames {
		metrics <- prometheus.MustNewConstMetric(d.refused, prometheus.CounterValue, float64(door.refusals[why].Load()), name)
	}
	for what, name := range timeoutNames {
		metrics <- prometheus.MustNewConstMetric(d.timeouts, prometheus.CounterValue, float64(door.timeouts[what].Load()), name)
	}
	metrics <- prometheus.MustNewConstMetric(d.acceptErrors, prometheus.CounterValue, float64(door.acceptErrors.Load()))
}
