package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api"
	"onsale/backfill"
	"onsale/certificate"
	"onsale/failpoint"
	"onsale/forward"
	"onsale/membership"
	"onsale/payment"
	"onsale/raftfsm"
	"onsale/report"
	"onsale/sequencer"
	"onsale/wal"
)

// drainTimeout bounds how long a stopping server lets requests finish.
const drainTimeout = 10 * time.Second

// privateDrainTimeout bounds it for the private listener, which is the last.
const privateDrainTimeout = time.Second

// readyInterval is how often a starting server looks for a leader.
const readyInterval = 10 * time.Millisecond

// server is one running node with its listeners. Tests drive it as main does.
type server struct {
	settings    *settings
	secret      []byte
	tokens      *tokens
	log         *slog.Logger
	credentials *certificate.Credentials // nil without TLS
	files       wal.Files                // the disk; tests hold it up

	node          *raftfsm.Node
	directory     *forward.Directory
	replica       *forward.Replica
	manager       *membership.Manager
	forward       *forward.Server
	filler        *backfill.Filler
	pageLinks     *forward.Links // of the filler
	till          *till
	closeProvider func() error

	public          *api.Public
	private         *api.Private
	publicListener  net.Listener
	privateListener net.Listener
	table           atomic.Pointer[[]api.Cluster]
	draining        drain
	failed          chan error // the node or a listener ended by itself
}

// startServer opens the data folder and the listeners. The caller closes it.
func startServer(s *settings, log *slog.Logger) (*server, error) {
	return startServerOn(wal.OS{}, s, log)
}

func startServerOn(files wal.Files, s *settings, log *slog.Logger) (*server, error) {
	v := &server{settings: s, log: log, files: files, failed: make(chan error, 4)}
	if err := v.start(); err != nil {
		return nil, errors.Join(err, v.close())
	}
	return v, nil
}

func (v *server) start() (err error) {
	if err := v.settings.validate(); err != nil {
		return err
	}
	if v.credentials, err = v.settings.TLS.open(certificate.Identity{Role: certificate.RoleNode, ID: v.settings.NodeID}, v.log); err != nil {
		return err
	}
	// The listeners come first: a port that is taken must not open the data.
	if err := v.listen(); err != nil {
		return err
	}
	if v.secret, err = loadSecret(v.settings); err != nil {
		return err
	}
	if err := v.startNode(); err != nil {
		return err
	}
	return v.startHTTP()
}

func (v *server) listen() (err error) {
	if v.publicListener, err = net.Listen("tcp", v.settings.HTTP); err != nil {
		return fmt.Errorf("buyers' listener: %w", err)
	}
	if v.privateListener, err = net.Listen("tcp", v.settings.Private); err != nil {
		return fmt.Errorf("private listener: %w", err)
	}
	return nil
}

// startNode opens the replica and everything between it and its peers.
func (v *server) startNode() error {
	config, err := v.settings.node()
	if err != nil {
		return err
	}
	config.Logger, config.Peer, config.Files = v.log, peerConfig(v.credentials, v.log), v.files
	config.Fatal = func(err error) { v.fail(fmt.Errorf("the node cannot go on: %w", v.settings.withRepair(err))) }
	if v.node, err = raftfsm.Open(config); err != nil {
		return v.settings.withRepair(err)
	}
	limits := forward.Limits{RequestsMax: config.BatchRequestsMax, BytesMax: config.BatchBytesMax - sequencer.BatchHeaderBytes}
	v.directory = forward.NewDirectory(v.settings.join())
	v.node.FollowLeader(v.follow)
	client := forward.NewClient(v.settings.client(v.log), v.node.PeerConfig(), v.directory, v.node, limits)
	v.replica = forward.NewReplica(v.node, client)
	v.manager = membership.New(v.settings.membership(v.log), v.node)
	v.manager.Start(v.replica.Links())
	if err := v.startPayments(); err != nil {
		return err
	}
	serving := forward.DefaultServerConfig(limits)
	serving.Logger, serving.Blocks = v.log, v.node.History()
	v.forward = forward.NewServer(serving, v.node, v.replica, controls{v.till, v.manager})
	listener, err := v.node.ForwardListener()
	if err == nil {
		go v.serve("peers' service", v.forward.Serve, listener)
		err = v.startBackfill()
	}
	return err
}

// startPayments opens the payment provider, when there is one, and the desk.
func (v *server) startPayments() error {
	v.till = &till{node: v.replica, links: v.replica.Links()}
	provider, closeProvider, err := v.settings.openProvider(v.log, func(signature string, body []byte) {
		if err := v.till.desk.Notice(providerSandbox, signature, body); err != nil {
			v.log.Debug("a webhook was not taken", "error", err)
		}
	})
	if err != nil || provider == nil {
		return err
	}
	v.closeProvider = closeProvider
	config := payment.DefaultConfig()
	config.Number, config.Logger = v.number, v.log
	paymentsMax(&config, provider)
	config.Reached = func(step payment.Step) { failpoint.Hit(failpoint.Payment + failpoint.Name(step)) }
	v.till.desk = payment.NewDesk(config, v.node, provider)
	return nil
}

// follow keeps the directory up to date: where the members are, and who leads.
func (v *server) follow(id, address string) {
	v.directory.SetLeader(id, address)
	var addresses []string
	for _, m := range v.node.Members() {
		addresses = append(addresses, m.Address)
	}
	v.directory.SetAddresses(addresses)
}

// Clusters returns the one cluster that a node serves; its number is known once
// the node belongs to it.
func (v *server) Clusters() []api.Cluster {
	if table := v.table.Load(); table != nil {
		return *table
	}
	table := []api.Cluster{{Number: v.number(), Backend: v.replica, Payments: v.till}}
	if v.node.Identity().ClusterID != "" {
		v.table.Store(&table)
	}
	return table
}

func (v *server) number() uint8 { return v.node.Identity().ClusterNumber }

func (v *server) startHTTP() error {
	var err error
	if v.tokens, err = v.settings.Tokens.open(v.secret, v.settings.TokensCached, v.log); err != nil {
		return err
	}
	verifier := v.tokens.verifier
	config, err := v.settings.http(v.log, v.secret)
	if err != nil {
		return err
	}
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

func (v *server) serve(what string, serve func(net.Listener) error, on net.Listener) {
	if err := serve(on); err != nil {
		v.fail(fmt.Errorf("%s: %w", what, err))
	}
}

// fail ends run with an error; the first one counts.
func (v *server) fail(err error) {
	select {
	case v.failed <- err:
	default:
	}
}

func (v *server) operations(metrics *api.Metrics, buyers *tls.Config) api.Operations {
	timelines := report.NewService(v.node.JournalDir(), v.log)
	registry := newRegistry(v.credentials, buyers)
	registry.MustRegister(metrics, timelines, v.node.Collector(), v.replica.Collector(v.forward), v.manager.Collector(), v.filler.Collector())
	if v.till.desk != nil {
		registry.MustRegister(v.till.desk.Collector())
		if counted, is := v.till.desk.Provider().(prometheus.Collector); is {
			registry.MustRegister(counted)
		}
	}
	return api.Operations{
		Checks:   v.checks,
		Node:     func() any { return v.node.Status() },
		Metrics:  registry,
		Cluster:  clusterSteps(v.manager),
		Streams:  snapshotStreams(v.node),
		Payments: v.till,

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
	if v.till.desk != nil {
		checks = append(checks, api.Check{Name: "payment-provider", Err: v.till.desk.ProviderErr(), Warning: true})
	}
	return append(checks, certificateChecks(v.credentials, time.Now())...)
}

// errNoCluster is what readyz says of a node that waits to be let in.
var errNoCluster = errors.New("this node is in no cluster yet")

// joinCluster brings the node into its cluster, when it was told to join one.
func (v *server) joinCluster(ctx context.Context) {
	if len(v.settings.join()) == 0 {
		return
	}
	err := v.manager.Join(ctx, v.settings.join(), v.settings.BootstrapExpect, v.settings.Learner)
	if err != nil && ctx.Err() == nil {
		v.fail(err)
	}
}

// waitReady returns when every readiness check passes, or ctx ends.
func (v *server) waitReady(ctx context.Context) error {
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for {
		checks := v.checks()
		wrong := slices.IndexFunc(checks, func(c api.Check) bool { return c.Fails() })
		if wrong < 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case err := <-v.failed:
			v.fail(err)
			return err
		case <-ctx.Done():
			return fmt.Errorf("%w while waiting for %s: %w", ctx.Err(), checks[wrong].Name, checks[wrong].Err)
		}
	}
}

// run returns nil when ctx ends, or why the server cannot go on.
func (v *server) run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		v.log.Info("stopping: leadership is handed over, requests under way are finished first")
		return nil
	case err := <-v.failed:
		return err
	}
}

// closePrivate ends the private listener, at last by force: a connection on which
// nothing was asked yet counts as busy for several seconds, and the node that
// could answer is gone.
func (v *server) closePrivate() error {
	ctx, cancel := context.WithTimeout(context.Background(), privateDrainTimeout)
	defer cancel()
	if err := v.private.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// close hands the leadership over, drains the listeners, whose requests go to the
// next leader meanwhile, and stops the node: who was taken is answered.
func (v *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var errs []error
	v.draining.begin()
	if v.node != nil {
		v.node.HandOver()
	}
	if v.public != nil {
		errs = append(errs, v.public.Shutdown(ctx))
	} else if v.publicListener != nil {
		errs = append(errs, v.publicListener.Close())
	}
	errs = append(errs, v.closeBackfill())
	if v.manager != nil {
		errs = append(errs, v.manager.Close())
	}
	if v.forward != nil {
		errs = append(errs, v.forward.Close())
	}
	if v.till != nil && v.till.desk != nil {
		errs = append(errs, v.till.desk.Close(), v.closeProvider())
	}
	if v.replica != nil {
		errs = append(errs, v.replica.Close())
	}
	if v.node != nil {
		errs = append(errs, v.node.Close())
	}
	if v.private != nil {
		errs = append(errs, v.closePrivate())
	} else if v.privateListener != nil {
		errs = append(errs, v.privateListener.Close())
	}
	v.tokens.close()
	return errors.Join(errs...)
}
