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
	"onsale/internal/auditlog"
	"onsale/webhook"
)

func newWebhooks(p *program) *cobra.Command {
	s := newWebhookSettings()
	c := &cobra.Command{Use: "webhooks", Short: "Run the process that sends events to shops' servers", Args: arguments(cobra.NoArgs),
		Long: `Reads the feed of a cluster and sends each event to the endpoints of its configuration
file as a signed POST (Standard Webhooks): at least once, in order for each order. What is not
taken is sent again for up to 72 hours, and then kept as a dead letter (onsale webhook dead). One
endpoint that does not answer holds up no other. docs/webhooks.md tells how to receive.`,
		Example: "  onsale secret webhook-secret-shop\n  onsale webhooks --config webhooks.toml --node 10.0.0.1:8201,10.0.0.2:8201 --secret-file token-secret",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.load(); err != nil {
				return err
			}
			hangUp := hangUps()
			log, err := s.openLog(p.err)
			if err != nil {
				return err
			}
			return runWebhooks(c.Context(), s, log, hangUp)
		}}
	c.Flags().AddFlagSet(s.Flags)
	return c
}

// webhooks is one running process.
type webhooks struct {
	settings *webhookSettings
	log      *slog.Logger
	state    *webhook.State
	engine   *webhook.Engine
	tokens   *tokens
	audit    *auditlog.Log

	private  *api.Private
	listener net.Listener
	draining drain
	failed   chan error
}

func runWebhooks(ctx context.Context, s *webhookSettings, log *slog.Logger, hangUp <-chan os.Signal) error {
	w := &webhooks{settings: s, log: log, failed: make(chan error, 2)}
	if err := w.start(); err != nil {
		return errors.Join(err, w.close())
	}
	log.Info("starting", "version", version(), "state", s.StatePath, "endpoints", len(s.Endpoints))
	log.Info("ready", "private", "http://"+w.listener.Addr().String())
	return errors.Join(w.run(ctx, hangUp), w.close())
}

func (w *webhooks) start() (err error) {
	s := w.settings
	if err := s.check(); err != nil {
		return err
	}
	if w.audit, err = s.openAudit("webhooks", w.log); err != nil {
		return err
	}
	if w.tokens, err = s.openTokens(s.SecretFile, false, w.audit, w.log); err != nil {
		return err
	}
	if w.listener, err = net.Listen("tcp", s.Private); err != nil {
		return fmt.Errorf("private listener: %w", err)
	}
	host, _ := os.Hostname() // for people
	who := fmt.Sprintf("process %d on %s, since %s, private listener %s", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339), w.listener.Addr())
	if w.state, err = webhook.OpenState(s.StatePath, who); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	feed := &clusterFeed{nodes: s.Nodes, secretFile: s.SecretFile, desk: desk{files: s.TLS.Files}}
	w.engine = webhook.NewEngine(webhook.Config{State: w.state, Source: feed, Agent: "onsale/" + version(), Logger: w.log, Failed: w.failed})
	if err := w.engine.Set(s.Endpoints); err != nil {
		return usage(err)
	}
	return w.startHTTP()
}

func (w *webhooks) startHTTP() error {
	config, err := w.settings.web(nil, w.log)
	if err != nil {
		return err
	}
	config.PrivateHosts = w.settings.hosts()
	registry := newRegistry(nil, nil)
	registry.MustRegister(w.engine.Collector(), auditMetrics(w.audit), w.tokens.metrics())
	verifier := w.tokens.verifier
	w.private, err = api.NewPrivate(config, nil, nil, verifier, api.NewMetrics(verifier), api.Operations{
		Checks: w.checks, Node: func() any { return map[string]any{"webhooks": w.engine.Statuses(), "version": version()} },
		Cluster: webhookSteps(w.engine), Streams: webhookLetters(w.engine), Metrics: registry, Audit: w.audit})
	if err != nil {
		return err
	}
	go func() {
		if err := w.private.Serve(w.listener); err != nil {
			w.failed <- err
		}
	}()
	return nil
}

// checks are what /readyz asks: an endpoint that is stopped is its receiver's to mend, and no reason
// to start this process anew.
func (w *webhooks) checks() []api.Check {
	checks := []api.Check{w.draining.check()}
	for _, e := range w.engine.Statuses() {
		feed, endpoint := api.Check{Name: "feed " + e.Name}, api.Check{Name: "endpoint " + e.Name, Warning: true}
		if e.FeedError != "" {
			feed.Err = errors.New(e.FeedError)
		}
		if e.Stopped != nil {
			endpoint.Err = fmt.Errorf("%s: %s", e.Stopped.Reason, e.Stopped.Why)
		} else if e.Error != "" {
			endpoint.Err = errors.New(e.Error)
		}
		checks = append(checks, feed, endpoint)
	}
	return checks
}

// run delivers until ctx ends, or the state file or the listener fails, and reads again what has
// changed.
func (w *webhooks) run(ctx context.Context, hangUp <-chan os.Signal) error {
	watch := settingsWatch{settings: w.settings.Set, hangUp: hangUp, failed: w.failed, look: w.engine.Look, reload: w.reload}
	err := watch.run(ctx)
	if err == nil {
		w.log.Info("stopping: attempts under way are finished first")
	}
	return err
}

// reload takes the endpoints; a file in which something is wrong changes nothing.
func (w *webhooks) reload(cause string) {
	kept, err := auditReload(w.audit, cause, func() ([]string, error) {
		fresh, err := w.settings.fresh(os.Environ())
		if err != nil {
			return nil, err
		}
		return w.settings.Changed(fresh.Set), w.engine.Set(fresh.Endpoints)
	})
	if err != nil {
		w.log.Error("the settings that were read again do not do, and change nothing", "error", err)
		return
	}
	w.log.Info("settings were read again", "need_restart", kept)
}

// close lets attempts under way end, and then closes the state file.
func (w *webhooks) close() error {
	var errs []error
	w.draining.begin()
	if w.engine != nil {
		w.engine.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if w.private != nil {
		errs = append(errs, w.private.Shutdown(ctx))
	} else if w.listener != nil {
		errs = append(errs, w.listener.Close())
	}
	if w.state != nil {
		errs = append(errs, w.state.Close())
	}
	w.tokens.close()
	return errors.Join(append(errs, closeAudit(w.audit))...)
}
