package main

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api"
	"onsale/audit/feed"
	"onsale/audit/report"
	"onsale/cluster/certificate"
	"onsale/cluster/membership/route"
)

func (v *server) startHTTP() error {
	config, err := v.settings.web(v.tokens.gate, v.log)
	if err != nil {
		return err
	}
	config.PrivateHosts = v.settings.hosts(v.settings.Node.RaftAddress, v.settings.Node.AdvertiseAddress)
	buyers, err := v.settings.TLS.buyers(v.log)
	if err != nil {
		return err
	}
	v.buyersTLS.Store(buyers)
	metrics := api.NewMetrics(v.tokens.verifier)
	return v.serveHTTP(config, metrics, buyers, v.number, v.operations(metrics, buyers))
}

// serveHTTP opens what answers on both listeners, and begins to serve.
func (v *server) serveHTTP(config api.Config, metrics *api.Metrics, buyers *certificate.Public, number func() uint8,
	operations api.Operations) (err error) {
	verifier := v.tokens.verifier
	if v.public, err = api.NewPublic(config, v, verifier, metrics); err != nil {
		return err
	}
	v.private, err = api.NewPrivate(config, sellersCluster{v.replica}, number, verifier, metrics, operations)
	if err != nil {
		return err
	}
	go v.serve("buyers' listener", v.public.Serve, buyersListener(v.publicListener, buyers))
	go v.serve("private listener", operators(v.private, v.credentials), v.privateListener)
	return nil
}

func (v *server) operations(metrics *api.Metrics, buyers *certificate.Public) api.Operations {
	timelines := report.NewService(v.node.JournalDir(), v.log)
	decided := feed.New(v.node.History(), v.node, v.number, v.replica.CatchUp)
	registry := newRegistry(v.credentials, buyers)
	registry.MustRegister(metrics, timelines, decided.Collector(), v.node.Collector(), v.replica.Collector(v.forward), v.manager.Collector(), v.filler.Collector(), v.orders.index.Collector(), auditMetrics(v.audit), v.tokens.metrics(), v.ticketMetrics())
	if provider := v.desk.Provider(); provider != nil {
		registry.MustRegister(v.desk.Collector())
		if counted, is := provider.(prometheus.Collector); is {
			registry.MustRegister(counted)
		}
	}
	return api.Operations{
		Checks:   v.checks,
		Node:     func() any { return v.node.Status() },
		Metrics:  registry,
		Cluster:  route.Steps(v.manager),
		Streams:  snapshotStreams(v.node, v.noteBackup),
		Payments: v.payments,
		Tickets:  v.replica, Revocations: v.replica.Revocations, TicketedIn: v.replica.TicketedIn,

		Chargeable: v.chargeable(),

		Timeline: timelines.Timeline,
		History:  v.orders.index.History,
		Feed:     decided.Page,
		Audit:    v.audit, Membership: v.manager.Here,
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
	if v.desk.Provider() != nil {
		checks = append(checks, api.Check{Name: "payment-provider", Err: v.desk.ProviderErr(), Warning: true})
	}
	return append(checks, certificateChecks(v.credentials, v.buyersTLS.Load(), time.Now())...)
}

// errNoCluster is what readyz says of a node that waits to be let in.
var errNoCluster = errors.New("this node is in no cluster yet")
