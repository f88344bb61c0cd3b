package stripe

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
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

// The rates of a live account and of one in test mode, in calls a second. Stripe allows 25
// requests a second to each endpoint and 100 to all in live mode, 25 to all in test mode
// (https://docs.stripe.com/rate-limits); a call asks an endpoint once as a rule, and four of them at most.
const (
	liveCallsPerSecond = 20
	testCallsPerSecond = 6
)

// CallsPerSecond returns how many calls a second an account takes as it comes.
func (p *Provider) CallsPerSecond() float64 {
	if modeOf(p.config.Key) == "test" {
		return testCallsPerSecond
	}
	return liveCallsPerSecond
}

// counter counts the requests to Stripe.
type counter struct {
	*prometheus.CounterVec
	next http.RoundTripper
}

func newCounter(next http.RoundTripper) *counter {
	return &counter{next: next, CounterVec: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onsale_stripe_requests_total",
		Help: "Requests to Stripe by the status of their answer; none without one."}, []string{"status"})}
}

// RoundTrip implements http.RoundTripper.
func (c *counter) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(request)
	if err != nil {
		c.WithLabelValues("none").Inc()
		return nil, err
	}
	c.WithLabelValues(strconv.Itoa(response.StatusCode)).Inc()
	response.Body = http.MaxBytesReader(nil, response.Body, answerBytesMax)
	return response, nil
}
