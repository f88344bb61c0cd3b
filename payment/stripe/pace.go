package stripe

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// connectionsMax bounds the connections to Stripe, and answerBytesMax an answer: a page
// of 100 intents with their charges has some 600 KB.
const (
	connectionsMax = 64
	answerBytesMax = 8 << 20
)

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxConnsPerHost, t.MaxIdleConns, t.MaxIdleConnsPerHost = connectionsMax, connectionsMax, connectionsMax
	return t
}

// pacer lets requests pass at a pace, and counts them.
type pacer struct {
	next    http.RoundTripper
	limiter *rate.Limiter

	requests *prometheus.CounterVec
	waited   prometheus.Counter
}

func newPacer(next http.RoundTripper, perSecond int) *pacer {
	return &pacer{next: next, limiter: rate.NewLimiter(rate.Limit(perSecond), perSecond),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onsale_stripe_requests_total",
			Help: "Requests to Stripe by the status of their answer; none without one, late when their time was over before their turn came."}, []string{"status"}),
		waited: prometheus.NewCounter(prometheus.CounterOpts{Name: "onsale_stripe_paced_seconds_total",
			Help: "Time that requests to Stripe waited for their turn (payment-requests-per-second)."}),
	}
}

// RoundTrip implements http.RoundTripper.
func (p *pacer) RoundTrip(request *http.Request) (*http.Response, error) {
	began := time.Now()
	err := p.limiter.Wait(request.Context())
	p.waited.Add(time.Since(began).Seconds())
	if err != nil {
		p.requests.WithLabelValues("late").Inc()
		return nil, err
	}
	response, err := p.next.RoundTrip(request)
	if err != nil {
		p.requests.WithLabelValues("none").Inc()
		return nil, err
	}
	p.requests.WithLabelValues(strconv.Itoa(response.StatusCode)).Inc()
	response.Body = http.MaxBytesReader(nil, response.Body, answerBytesMax)
	return response, nil
}

// Describe implements prometheus.Collector.
func (p *pacer) Describe(ch chan<- *prometheus.Desc) {
	p.requests.Describe(ch)
	p.waited.Describe(ch)
}

// Collect implements prometheus.Collector.
func (p *pacer) Collect(ch chan<- prometheus.Metric) {
	p.requests.Collect(ch)
	p.waited.Collect(ch)
}
