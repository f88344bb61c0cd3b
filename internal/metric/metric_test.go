package metric

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// What was counted is published in Prometheus' form, bounds and units included.
func TestSet(t *testing.T) {
	var s Set
	var times Times
	var sizes Sizes
	s.Gauge("g", "a gauge", func() float64 { return 1.5 })
	s.Counter("c_total", "a counter", func() uint64 { return 3 })
	s.Gauges("m", "two", []string{"member"}, func(show Show) { show(1, "n1"); show(2, "n2") })
	s.Times("t_seconds", "times", &times)
	s.Sizes("z", "sizes", &sizes)
	times.Observe(-time.Second)          // a clock that ran back counts as none
	times.Observe(10 * time.Microsecond) // the second bucket
	times.Observe(time.Hour)             // beyond the last bound
	sizes.Observe(0)
	sizes.Observe(3)
	sizes.Observe(1 << 30)
	text := scrape(t, &s)
	for _, line := range []string{"# TYPE c_total counter", "c_total 3", "# HELP g a gauge", "g 1.5", `m{member="n1"} 1`, `m{member="n2"} 2`,
		"# TYPE t_seconds histogram", `t_seconds_bucket{le="1.6e-05"} 2`, `t_seconds_bucket{le="+Inf"} 3`, "z_count 3"} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
	count, sum, cumulative := times.read()
	if count != 3 || sum != 3600.00001 || cumulative[8e-6] != 1 || cumulative[16e-6] != 2 || cumulative[(timesUnit<<21).Seconds()] != 2 || len(cumulative) != 22 {
		t.Errorf("times: %d, %v, %v", count, sum, cumulative)
	}
	count, sum, cumulative = sizes.read()
	if count != 3 || sum != 1<<30+3 || cumulative[0] != 1 || cumulative[3] != 2 || cumulative[1<<22-1] != 2 || len(cumulative) != 23 {
		t.Errorf("sizes: %d, %v, %v", count, sum, cumulative)
	}
}

func scrape(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}
