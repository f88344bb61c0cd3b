package stripe

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"onsale/payment"
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

// endpointsAtOnce is how many endpoints' paces all requests together may have. Stripe
// allows 25 requests a second to each endpoint, that is route, and 100 to all
// (https://docs.stripe.com/rate-limits).
const endpointsAtOnce = 4

// pacer lets requests pass at a pace, each endpoint at its own and all together at
// another, and counts them.
type pacer struct {
	next      http.RoundTripper
	perSecond int // of an endpoint
	together  *rate.Limiter

	mu        sync.Mutex
	endpoints map[string]*rate.Limiter // the routes that this package uses

	requests *prometheus.CounterVec
	waited   prometheus.Counter
}

func newPacer(next http.RoundTripper, perSecond int) *pacer {
	return &pacer{next: next, perSecond: perSecond, together: newLimiter(perSecond * endpointsAtOnce), endpoints: map[string]*rate.Limiter{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onsale_stripe_requests_total",
			Help: "Requests to Stripe by the status of their answer; none without one, late when their time was over before their turn came."}, []string{"status"}),
		waited: prometheus.NewCounter(prometheus.CounterOpts{Name: "onsale_stripe_paced_seconds_total",
			Help: "Time that requests to Stripe waited for their turn (payment-requests-per-second)."}),
	}
}

// newLimiter lets a fifth of a second's requests pass at once, so that no second has
// more than 1.2 times the pace.
func newLimiter(perSecond int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), max(1, perSecond/5))
}

// endpoint returns the limiter of a request's route: its path without ids.
func (p *pacer) endpoint(request *http.Request) *rate.Limiter {
	parts := strings.Split(request.URL.Path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "pi_") {
			parts[i] = ""
		}
	}
	route := request.Method + strings.Join(parts, "/")
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter := p.endpoints[route]
	if limiter == nil {
		limiter = newLimiter(p.perSecond)
		p.endpoints[route] = limiter
	}
	return limiter
}

// wait returns when it is a request's turn, or at once with an error when that would be
// after its time.
func (p *pacer) wait(request *http.Request) error {
	began := time.Now()
	defer func() { p.waited.Add(time.Since(began).Seconds()) }()
	err := p.endpoint(request).Wait(request.Context())
	if err == nil {
		err = p.together.Wait(request.Context())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", payment.ErrThrottled, err)
	}
	return nil
}

// RoundTrip implements http.RoundTripper.
func (p *pacer) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := p.wait(request); err != nil {
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
