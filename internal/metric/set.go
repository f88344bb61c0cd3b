package metric

import "github.com/prometheus/client_golang/prometheus"

// Set is a prometheus.Collector of metrics that are read when they are published.
// All metrics are added before it is registered.
type Set struct {
	descriptions []*prometheus.Desc
	collect      []func(to chan<- prometheus.Metric)
}

// Show publishes one value of a metric with its labels' values.
type Show func(value float64, labels ...string)

// Gauge adds a number that goes up and down.
func (s *Set) Gauge(name, help string, read func() float64) {
	s.Gauges(name, help, nil, func(show Show) { show(read()) })
}

// Counter adds a total since the start.
func (s *Set) Counter(name, help string, read func() uint64) {
	s.Counters(name, help, nil, func(show Show) { show(float64(read())) })
}

// Gauges adds numbers that differ by labels; read shows each of them, none when
// there is nothing to say. How many there may be is bounded by the caller.
func (s *Set) Gauges(name, help string, labels []string, read func(Show)) {
	s.add(prometheus.GaugeValue, name, help, labels, read)
}

// Counters adds totals that differ by labels.
func (s *Set) Counters(name, help string, labels []string, read func(Show)) {
	s.add(prometheus.CounterValue, name, help, labels, read)
}

func (s *Set) add(kind prometheus.ValueType, name, help string, labels []string, read func(Show)) {
	d := s.describe(name, help, labels)
	s.collect = append(s.collect, func(to chan<- prometheus.Metric) {
		read(func(value float64, labels ...string) { to <- prometheus.MustNewConstMetric(d, kind, value, labels...) })
	})
}

// Times adds a histogram of durations in seconds.
func (s *Set) Times(name, help string, h *Times) { s.histogram(name, help, h.read) }

// Sizes adds a histogram of sizes.
func (s *Set) Sizes(name, help string, h *Sizes) { s.histogram(name, help, h.read) }

func (s *Set) histogram(name, help string, read func() (uint64, float64, map[float64]uint64)) {
	d := s.describe(name, help, nil)
	s.collect = append(s.collect, func(to chan<- prometheus.Metric) {
		count, sum, cumulative := read()
		to <- prometheus.MustNewConstHistogram(d, count, sum, cumulative)
	})
}

// TimesBy adds histograms of durations that differ by one label.
func (s *Set) TimesBy(name, help, label string, values []string, h func(i int) *Times) {
	d := s.describe(name, help, []string{label})
	s.collect = append(s.collect, func(to chan<- prometheus.Metric) {
		for i, value := range values {
			count, sum, cumulative := h(i).read()
			to <- prometheus.MustNewConstHistogram(d, count, sum, cumulative, value)
		}
	})
}

func (s *Set) describe(name, help string, labels []string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	s.descriptions = append(s.descriptions, d)
	return d
}

// Describe implements prometheus.Collector.
func (s *Set) Describe(to chan<- *prometheus.Desc) {
	for _, d := range s.descriptions {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *Set) Collect(to chan<- prometheus.Metric) {
	for _, collect := range s.collect {
		collect(to)
	}
}

// Bool returns 1 for true.
func Bool(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
