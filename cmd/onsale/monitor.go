package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"onsale/api"
	"onsale/cluster/certificate"
	"onsale/cluster/membership"
	"onsale/internal/metric"
	"onsale/sequencer"
)

// newRegistry has what every process shows: of Go, of the process, of its version and
// of its certificates; credentials and buyers may be nil.
func newRegistry(credentials *certificate.Credentials, buyers *certificate.Public) *prometheus.Registry {
	s := new(metric.Set)
	s.Gauges("onsale_build_info", "1; the labels say which program this is.", []string{"version", "go"}, func(show metric.Show) {
		show(1, version(), runtime.Version())
	})
	s.Gauge("onsale_level_max", "Highest level of formats that this program speaks.", func() float64 { return sequencer.LevelMax })
	if credentials != nil || buyers != nil {
		s.Gauges("onsale_certificate_expiry_timestamp_seconds", "When a certificate ends, in Unix time.", []string{"use"}, func(show metric.Show) {
			if credentials != nil {
				show(float64(credentials.NotAfter().Unix()), "peers")
			}
			if buyers != nil {
				show(float64(buyers.NotAfter().Unix()), "buyers")
			}
		})
		s.Gauges("onsale_certificate_stale", "1 while changed certificate files do not load and the old ones are in force.", []string{"use"}, func(show metric.Show) {
			if credentials != nil {
				show(metric.Bool(credentials.Stale()), "peers")
			}
			if buyers != nil {
				show(metric.Bool(buyers.Stale()), "buyers")
			}
		})
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

var (
	errCertificateEnds  = errors.New("the certificate ends soon")
	errCertificateStale = errors.New("changed certificate files do not load; the old certificate is in force")
)

// certificates are those that this node shows to peers, and to buyers once it serves them.
func (v *server) certificates() (all []membership.Certificate) {
	if v.credentials != nil {
		all = append(all, membership.Certificate{Use: "peers", NotAfter: v.credentials.NotAfter()})
	}
	if buyers := v.buyersTLS.Load(); buyers != nil {
		all = append(all, membership.Certificate{Use: "buyers", NotAfter: buyers.NotAfter()})
	}
	return all
}

// certificateChecks warns of this process' certificates, that for peers and that of the
// buyers' port; none without TLS.
func certificateChecks(peers *certificate.Credentials, buyers *certificate.Public, now time.Time) (checks []api.Check) {
	if peers != nil {
		checks = append(checks, certificateCheck("certificate", peers.NotAfter(), peers.Stale(), now))
	}
	if buyers != nil {
		checks = append(checks, certificateCheck("buyers-certificate", buyers.NotAfter(), buyers.Stale(), now))
	}
	return checks
}

func certificateCheck(name string, ends time.Time, stale bool, now time.Time) api.Check {
	check := api.Check{Name: name, Warning: true}
	if ends.Sub(now) < certificate.EndsSoon {
		check.Err = fmt.Errorf("%w: at %s", errCertificateEnds, ends.UTC().Format(time.RFC3339))
	}
	if stale {
		check.Err = errors.Join(check.Err, errCertificateStale)
	}
	return check
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
