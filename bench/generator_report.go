package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// LoadReport is what a load came to.
type LoadReport struct {
	Machine     string    `json:"machine"`
	Started     time.Time `json:"started"`
	Addresses   []string  `json:"addresses"`
	Sale        string    `json:"sale"`
	FirstBuyer  uint64    `json:"first_buyer"`
	Loop        string    `json:"loop"`                // closed or open
	Rate        int       `json:"arrivals_per_second"` // of an open loop
	Connections int       `json:"connections"`
	Duration    string    `json:"duration"`
	WarmUp      string    `json:"warm_up"`
	WarmUps     uint64    `json:"warm_up_requests"` // decided and not counted

	Phases

	// LagMillis is by how much arrivals of an open loop were late because this process had
	// no time; it is part of the latencies. When it is as long as they are, the load needs
	// a faster machine, or one of its own.
	LagMillis map[string]float64 `json:"lag_ms,omitempty"`
	// LoadMicrosecondsPerRequest is this process's whole CPU time.
	LoadMicrosecondsPerRequest float64 `json:"load_cpu_us_per_request"`
	// Bytes are those of HTTP, without the headers below it, the warm-up's included.
	SentBytes               uint64  `json:"sent_bytes"`
	ReceivedBytes           uint64  `json:"received_bytes"`
	SentBytesPerSecond      float64 `json:"sent_bytes_per_second"`
	ReceivedBytesPerSecond  float64 `json:"received_bytes_per_second"`
	SentBytesPerRequest     float64 `json:"sent_bytes_per_request"`
	ReceivedBytesPerRequest float64 `json:"received_bytes_per_request"`
}

func newLoadReport(l *load, m *measured, used time.Duration) *LoadReport {
	r := &LoadReport{Machine: machine(), Started: l.started.UTC(), Addresses: l.Addresses, Sale: l.Sale,
		FirstBuyer: l.First + 1, Loop: "closed", Rate: l.Rate, Connections: l.Connections,
		Duration: l.Duration.String(), WarmUp: l.WarmUp.String(), WarmUps: m.warm, Phases: newPhases(m)}
	if l.Rate > 0 {
		r.Loop, r.LagMillis = "open", millis(m.lag)
	}

	requests := float64(max(1, l.answered.Load()+sum(m.all().Failures)))
	seconds := max(1e-9, (l.WarmUp + m.took()).Seconds())
	r.LoadMicrosecondsPerRequest = used.Seconds() * 1e6 / requests
	r.SentBytes, r.ReceivedBytes = m.sent, m.received
	r.SentBytesPerRequest, r.ReceivedBytesPerRequest = float64(m.sent)/requests, float64(m.received)/requests
	r.SentBytesPerSecond, r.ReceivedBytesPerSecond = float64(m.sent)/seconds, float64(m.received)/seconds
	return r
}

// Print writes the report as tables.
func (r *LoadReport) Print(w io.Writer) {
	loop := r.Loop + " loop"
	if r.Rate > 0 {
		loop += fmt.Sprintf(", %d arrivals a second", r.Rate)
	}
	fmt.Fprintf(w, "machine     %s\nload        %s over %d connections to %s; %s, of which %s of warm-up are not counted\n\n",
		r.Machine, loop, r.Connections, strings.Join(r.Addresses, ", "), r.Duration, r.WarmUp)
	r.print(w)
	fmt.Fprintf(w, "\nload's CPU   %.2f µs a request\n", r.LoadMicrosecondsPerRequest)
	fmt.Fprintf(w, "HTTP sent     %.2f MB, %.2f MB/s, %.0f bytes a request\n",
		float64(r.SentBytes)/1e6, r.SentBytesPerSecond/1e6, r.SentBytesPerRequest)
	fmt.Fprintf(w, "HTTP received %.2f MB, %.2f MB/s, %.0f bytes a request\n",
		float64(r.ReceivedBytes)/1e6, r.ReceivedBytesPerSecond/1e6, r.ReceivedBytesPerRequest)
	if r.LagMillis != nil {
		fmt.Fprintf(w, "load's lag   p50 %.2f ms, p99 %.2f ms, max %.2f ms: how late buyers arrived because of this "+
			"process; it is in the latencies\n", r.LagMillis["p50"], r.LagMillis["p99"], r.LagMillis["max"])
	}
}
