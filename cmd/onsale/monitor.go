package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"onsale/api"
	"onsale/cluster/certificate"
	"onsale/internal/metric"
)

// newRegistry has what every process shows: of Go, of the process, of its version and
// of its certificates; credentials and buyers may be nil.
func newRegistry(credentials *certificate.Credentials, buyers *tls.Config) *prometheus.Registry {
	s := new(metric.Set)
	s.Gauges("onsale_build_info", "1; the labels say which program this is.", []string{"version", "go"}, func(show metric.Show) {
		show(1, version(), runtime.Version())
	})
	if credentials != nil || buyers != nil {
		s.Gauges("onsale_certificate_expiry_timestamp_seconds", "When a certificate ends, in Unix time.", []string{"use"}, func(show metric.Show) {
			if credentials != nil {
				show(float64(credentials.NotAfter().Unix()), "peers")
			}
			if at, known := buyersExpiry(buyers); known {
				show(float64(at.Unix()), "buyers")
			}
		})
	}
	if credentials != nil {
		s.Gauge("onsale_certificate_stale", "1 while changed certificate files do not load and the old ones are in force.", func() float64 {
			return metric.Bool(credentials.Stale())
		})
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// buyersExpiry returns when the certificate of the buyers' port ends.
func buyersExpiry(config *tls.Config) (at time.Time, known bool) {
	if config == nil {
		return at, false
	}
	c, err := config.GetCertificate(nil) // it has one certificate, whoever asks
	if err != nil || c.Leaf == nil {
		return at, false
	}
	return c.Leaf.NotAfter, true
}

// certificateEndsSoon is how long before its end a certificate is a warning.
const certificateEndsSoon = 7 * 24 * time.Hour

var (
	errCertificateEnds  = errors.New("the certificate ends soon")
	errCertificateStale = errors.New("changed certificate files do not load; the old certificate is in force")
)

// certificateChecks warns of this process' certificate; none without TLS.
func certificateChecks(c *certificate.Credentials, now time.Time) []api.Check {
	if c == nil {
		return nil
	}
	check := api.Check{Name: "certificate", Warning: true}
	if ends := c.NotAfter(); ends.Sub(now) < certificateEndsSoon {
		check.Err = fmt.Errorf("%w: at %s", errCertificateEnds, ends.UTC().Format(time.RFC3339))
	}
	if c.Stale() {
		check.Err = errors.Join(check.Err, errCertificateStale)
	}
	return []api.Check{check}
}

// drain tells load balancers that a process stops.
type drain struct{ stopping atomic.Bool }

var errDraining = errors.New("this process is stopping")

func (d *drain) begin() { d.stopping.Store(true) }

func (d *drain) check() api.Check {
	check := api.Check{Name: "drain"}
	if d.stopping.Load() {
		check.Err = errDraining
	}
	return check
}
