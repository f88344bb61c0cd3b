package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"onsale/api"
	"onsale/api/auth"
	"onsale/cluster/certificate"
	"onsale/cluster/known"
	"onsale/internal/auditlog"
	"onsale/internal/tuning"
	"onsale/raftfsm/peer"
	"onsale/wal"
)

func newFrontEnd(p *program) *cobra.Command {
	s := newFrontEndSettings()
	c := &cobra.Command{Use: "frontend", Short: "Run a front-end: it takes the crowd and has no data", Args: arguments(cobra.NoArgs),
		Long: `Runs a front-end, which parses, checks tokens and forwards to the leaders of one or
several clusters. It has no data: start and stop as many as the crowd needs.`,
		Example: "  onsale frontend --cluster 10.0.0.1:7101,10.0.0.2:7101,10.0.0.3:7101 --secret-file token-secret --peer-secret-file peer-secret",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.load(); err != nil {
				return err
			}
			hangUp := hangUps()
			tuning.Apply()
			log, err := s.openLog(p.err)
			if err != nil {
				return err
			}
			return runFrontEnd(c.Context(), s, log, hangUp)
		}}
	c.Flags().AddFlagSet(s.Flags)
	return c
}

// frontEnd is one running front-end.
type frontEnd struct {
	settings *frontEndSettings
	log      *slog.Logger
	table    *clusterTable
	tokens   *tokens
	audit    *auditlog.Log

	public          *api.Public
	private         *api.Private
	publicListener  net.Listener
	privateListener net.Listener
	draining        drain
	failed          chan error
}

func runFrontEnd(ctx context.Context, s *frontEndSettings, log *slog.Logger, hangUp <-chan os.Signal) error {
	f := &frontEnd{settings: s, log: log, failed: make(chan error, 2)}
	if err := f.start(); err != nil {
		return errors.Join(err, f.close())
	}
	log.Info("starting", "version", version(), "id", s.ID, "tls", s.TLS.Certificate != "")
	log.Info("listening", "buyers", "http://"+f.publicListener.Addr().String(), "private", "http://"+f.privateListener.Addr().String())
	if err := f.waitReady(ctx); err == nil {
		log.Info("ready")
	}
	return errors.Join(f.run(ctx, hangUp), f.close())
}

func (f *frontEnd) start() (err error) {
	s := f.settings
	if err := s.check(); err != nil {
		return err
	}
	if err := s.fileBounds().boundFiles(f.log); err != nil {
		return err
	}
	credentials, err := s.TLS.open(certificate.Identity{Role: certificate.RoleFrontEnd, ID: s.ID}, f.log)
	if err != nil {
		return err
	}
	peerSecrets, err := s.readPeerSecrets()
	if err != nil {
		return err
	}
	s.warnOfReaders(peerSecrets, f.log)
	keys, err := s.openPseudonyms(f.log)
	if err != nil {
		return err
	}
	peers := peerConfig(credentials, peerSecrets, keys, f.log)
	peers.ID, peers.Role = s.ID, peer.FrontEnd
	remembered, err := known.Open(wal.OS{}, s.StateFile)
	if err != nil {
		return fmt.Errorf("--state-file: %w", err)
	}
	if f.audit, err = s.openAudit(s.ID, f.log); err != nil {
		return err
	}
	f.table = newClusterTable(peers, s.Forward, remembered, f.log)
	if err := f.table.set(s); err != nil {
		return err
	}
	if f.publicListener, err = net.Listen("tcp", s.HTTP); err != nil {
		return fmt.Errorf("buyers' listener: %w", err)
	}
	if f.privateListener, err = net.Listen("tcp", s.Private); err != nil {
		return fmt.Errorf("private listener: %w", err)
	}
	return f.startHTTP(credentials)
}

// secrets reads the nodes' secrets. Who has another's keys may do without: then a
// front-end takes tokens of theirs alone.
func (s *frontEndSettings) secrets() ([][]byte, error) {
	switch {
	case s.SecretFile != "":
		secrets, err := auth.ReadSecrets(s.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", auth.FileSecrets, err)
		}
		return secrets, nil
	case s.Tokens.KeyFile != "":
		return nil, nil
	}
	return nil, errors.New("a front-end needs the nodes' --secret-file, or a --jwks-file")
}

func (f *frontEnd) startHTTP(credentials *certificate.Credentials) error {
	var err error
	if f.tokens, err = f.settings.openTokens(f.settings.SecretFile, false, f.audit, f.log); err != nil {
		return err
	}
	verifier := f.tokens.verifier
	config, err := f.settings.web(f.tokens.gate, f.log)
	if err != nil {
		return err
	}
	config.PrivateHosts = f.settings.hosts()
	buyers, err := f.settings.TLS.buyers(f.log)
	if err != nil {
		return err
	}
	metrics := api.NewMetrics(verifier)
	registry := newRegistry(credentials, buyers)
	registry.MustRegister(metrics, f.table, auditMetrics(f.audit), f.tokens.metrics())
	checks := func() []api.Check {
		checks := append(f.table.checks(), f.table.sharedChecks()...)
		return append(append(checks, f.draining.check()), certificateChecks(credentials, buyers, time.Now())...)
	}
	if f.public, err = api.NewPublic(config, f.table, verifier, metrics); err != nil {
		return err
	}
	f.private, err = api.NewPrivate(config, nil, nil, verifier, metrics, api.Operations{Checks: checks, Node: f.table.status, Metrics: registry, Audit: f.audit})
	if err != nil {
		return err
	}
	go f.serve(f.public.Serve, buyersListener(f.publicListener, buyers))
	go f.serve(operators(f.private, credentials), f.privateListener)
	return nil
}

func (f *frontEnd) serve(serve func(net.Listener) error, on net.Listener) {
	if err := serve(on); err != nil {
		select {
		case f.failed <- err:
		default:
		}
	}
}

// frontEndPatience is how long a starting front-end waits for its clusters before it
// goes on without those that are down.
const frontEndPatience = 10 * time.Second

func (f *frontEnd) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, frontEndPatience)
	defer cancel()
	for {
		var wrong error
		for _, c := range f.table.checks() {
			if c.Fails() {
				wrong = errors.Join(wrong, c.Err)
			}
		}
		if wrong == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			f.log.Warn("not every cluster can be reached; going on", "error", wrong)
			return wrong
		case <-time.After(readyInterval):
			f.table.lookForShared() // who waits for one cluster is alarmed about the others
		}
	}
}

// run serves until ctx ends or a listener does, and reads again what can be when the
// configuration file changes or SIGHUP comes.
func (f *frontEnd) run(ctx context.Context, hangUp <-chan os.Signal) error {
	w := settingsWatch{settings: f.settings.Set, hangUp: hangUp, failed: f.failed, look: f.table.lookForShared, reload: f.reload}
	err := w.run(ctx)
	if err == nil {
		f.log.Info("stopping: requests under way are finished first")
	}
	return err
}

// reload takes the table of the configuration file and what any process takes; a file in
// which something is wrong changes nothing.
func (f *frontEnd) reload(cause string) {
	kept, err := auditReload(f.audit, cause, f.takeSettings)
	if err != nil {
		f.log.Error("the settings that were read again do not do, and change nothing", "error", err)
		return
	}
	f.log.Info("settings were read again", "clusters", f.table.names(), "need_restart", kept)
}

// takeSettings reads the settings, and returns the names of those that need a restart.
func (f *frontEnd) takeSettings() (kept []string, err error) {
	s := newFrontEndSettings()
	if err := f.settings.Again(s.Set, os.Environ()); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := f.table.set(s); err != nil {
		return nil, err
	}
	r := reloading{&f.settings.processSettings, f.tokens, f.public}
	return r.take(&s.processSettings, s.SecretFile, "cluster")
}

// unreachedMax is how long a stopping front-end lets requests wait for a cluster of which it
// reaches no node.
const unreachedMax = time.Second

// drainPublic drains the buyers' listener. When the nodes stop at the same time, nobody
// decides what waits for them: it is told so.
func (f *frontEnd) drainPublic(ctx context.Context) error {
	drained := make(chan struct{})
	defer close(drained)
	for _, remote := range f.table.remotes() {
		go func() {
			if outlasts(drained, unreachedMax, func() bool { return remote.Age() < unreachedMax }) {
				_ = remote.Client().Close() // who waits is answered; the table closes it again
			}
		}()
	}
	return f.public.Shutdown(ctx)
}

// close drains the buyers' listener while the ways to the leaders are still open.
func (f *frontEnd) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var errs []error
	f.draining.begin()
	if f.public != nil {
		errs = append(errs, f.drainPublic(ctx))
	} else if f.publicListener != nil {
		errs = append(errs, f.publicListener.Close())
	}
	if f.private != nil {
		if err := f.private.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			errs = append(errs, err)
		}
	} else if f.privateListener != nil {
		errs = append(errs, f.privateListener.Close())
	}
	if f.table != nil {
		errs = append(errs, f.table.close())
	}
	f.tokens.close()
	return errors.Join(append(errs, closeAudit(f.audit))...)
}
