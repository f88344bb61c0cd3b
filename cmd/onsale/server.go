package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"onsale/api"
	"onsale/raftfsm"
)

// drainTimeout bounds how long a stopping server lets requests finish.
const drainTimeout = 10 * time.Second

// privateDrainTimeout bounds it for the private listener, which is the last.
const privateDrainTimeout = time.Second

// readyInterval is how often a starting server looks for a leader.
const readyInterval = 10 * time.Millisecond

// server is one running node with its two listeners. Tests drive it as main does.
type server struct {
	settings *settings
	secret   []byte
	log      *slog.Logger

	node            *raftfsm.Node
	public          *api.Public
	private         *api.Private
	publicListener  net.Listener
	privateListener net.Listener
	failed          chan error // the node or a listener ended by itself
}

// startServer opens the data folder and the listeners. The caller closes it.
func startServer(s *settings, log *slog.Logger) (*server, error) {
	v := &server{settings: s, log: log, failed: make(chan error, 3)}
	if err := v.start(); err != nil {
		return nil, errors.Join(err, v.close())
	}
	return v, nil
}

func (v *server) start() (err error) {
	// The listeners come first: a port that is taken must not open the data.
	if v.publicListener, err = net.Listen("tcp", v.settings.HTTP); err != nil {
		return fmt.Errorf("buyers' listener: %w", err)
	}
	if v.privateListener, err = net.Listen("tcp", v.settings.Private); err != nil {
		return fmt.Errorf("private listener: %w", err)
	}
	config, err := v.settings.node()
	if err != nil {
		return err
	}
	config.HTTPAddress, config.Logger = v.publicListener.Addr().String(), v.log
	config.Fatal = func(err error) { v.fail(fmt.Errorf("the node cannot go on: %w", err)) }
	if v.secret, err = loadSecret(v.settings); err != nil {
		return err
	}
	if v.node, err = raftfsm.Open(config); err != nil {
		return err
	}
	return v.startHTTP()
}

func (v *server) startHTTP() error {
	tokens := api.DefaultTokenConfig()
	tokens.Secrets, tokens.CacheEntries = [][]byte{v.secret}, v.settings.TokensCached
	verifier, err := api.NewVerifier(tokens)
	if err != nil {
		return err
	}
	config := api.DefaultConfig()
	config.Logger = v.log
	config.ConnectionsMax, config.ConnectionsPerAddressMax = v.settings.ConnectionsMax, v.settings.ConnectionsPerMax
	metrics := api.NewMetrics(verifier)
	if v.public, err = api.NewPublic(config, v.node, verifier, metrics); err != nil {
		return err
	}
	if v.private, err = api.NewPrivate(config, v.node, verifier, metrics, v.operations(metrics)); err != nil {
		return err
	}
	go v.serve("buyers' listener", v.public.Serve, v.publicListener)
	go v.serve("private listener", v.private.Serve, v.privateListener)
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

func (v *server) operations(metrics *api.Metrics) api.Operations {
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics, v.node.Collector(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return api.Operations{
		Checks: func() []api.Check {
			var checks []api.Check
			for _, c := range v.node.Ready() {
				checks = append(checks, api.Check{Name: c.Name, Err: c.Err})
			}
			return checks
		},
		Node:    func() any { return v.node.Status() },
		Metrics: registry,
	}
}

// waitReady returns when every readiness check passes, or ctx ends.
func (v *server) waitReady(ctx context.Context) error {
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for {
		missing := ""
		for _, c := range v.node.Ready() {
			if c.Err != nil {
				missing = fmt.Sprintf("%s: %v", c.Name, c.Err)
			}
		}
		if missing == "" {
			return nil
		}
		select {
		case <-ticker.C:
		case err := <-v.failed:
			v.fail(err)
			return err
		case <-ctx.Done():
			return fmt.Errorf("%w while waiting for %s", ctx.Err(), missing)
		}
	}
}

// run returns nil when ctx ends, or why the server cannot go on.
func (v *server) run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		v.log.Info("stopping: requests under way are finished first")
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

// close drains the listeners, then stops the node: who was taken is answered.
func (v *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var errs []error
	if v.public != nil {
		errs = append(errs, v.public.Shutdown(ctx))
	} else if v.publicListener != nil {
		errs = append(errs, v.publicListener.Close())
	}
	if v.node != nil {
		errs = append(errs, v.node.Close())
	}
	if v.private != nil {
		errs = append(errs, v.closePrivate())
	} else if v.privateListener != nil {
		errs = append(errs, v.privateListener.Close())
	}
	return errors.Join(errs...)
}
