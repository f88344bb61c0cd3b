package main

import (
	"crypto/tls"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api"
	"onsale/audit/report"
	"onsale/cluster/certificate"
	"onsale/cluster/membership/route"
)

func (v *server) startHTTP() error {
	var err error
	if v.tokens, err = v.settings.Tokens.open(v.secret, v.log); err != nil {
		return err
	}
	verifier := v.tokens.verifier
	config, err := v.settings.web(v.secret, v.log)
	if err != nil {
		return err
	}
	boundFiles(&config, v.log)
	buyers, err := v.settings.TLS.buyers()
	if err != nil {
		return err
	}
	metrics := api.NewMetrics(verifier)
	if v.public, err = api.NewPublic(config, v, verifier, metrics); err != nil {
		return err
	}
	if v.private, err = api.NewPrivate(config, v.replica, v.number, verifier, metrics, v.operations(metrics, buyers)); err != nil {
		return err
	}
	go v.serve("buyers' listener", v.public.Serve, buyersListener(v.publicListener, buyers))
	go v.serve("private listener", v.private.Serve, secured(v.privateListener, v.credentials, certificate.RoleOperator, certificate.RoleNode))
	return nil
}

func (v *server) operations(metrics *api.Metrics, buyers *tls.Config) api.Operations {
	timelines := report.NewService(v.node.JournalDir(), v.log)
	registry := newRegistry(v.credentials, buyers)
	registry.MustRegister(metrics, timelines, v.node.Collector(), v.replica.Collector(v.forward), v.manager.Collector(), v.filler.Collector())
	if v.desk != nil {
		registry.MustRegister(v.desk.Collector())
		if counted, is := v.desk.Provider().(prometheus.Collector); is {
			registry.MustRegister(counted)
		}
	}
	return api.Operations{
		Checks:   v.checks,
		Node:     func() any { return v.node.Status() },
		Metrics:  registry,
		Cluster:  route.Steps(v.manager),
		Streams:  snapshotStreams(v.node),
		Payments: v.payments,

		Timeline: timelines.Timeline,
	}
}

func (v *server) checks() []api.Check {
	checks := []api.Check{{Name: "member"}}
	if v.node.Identity().ClusterID == "" {
		checks[0].Err = errNoCluster
	}
	for _, c := range v.node.Ready() {
		checks = append(checks, api.Check{Name: c.Name, Err: c.Err, Warning: c.Warning})
	}
	checks = append(checks, v.draining.check(), api.Check{Name: "tolerance", Err: v.manager.Tolerates(), Warning: true})
	if v.desk != nil {
		checks = append(checks, api.Check{Name: "payment-provider", Err: v.desk.ProviderErr(), Warning: true})
	}
	return append(checks, certificateChecks(v.credentials, time.Now())...)
}

// errNoCluster is what readyz says of a node that waits to be let in.
var errNoCluster = errors.New("this node is in no cluster yet")
