package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"onsale/api"
	"onsale/cluster/backfill"
	"onsale/cluster/certificate"
	"onsale/cluster/forward"
	"onsale/cluster/membership"
	"onsale/cluster/payments"
	"onsale/internal/auditlog"
	"onsale/internal/ticket"
	"onsale/payment"
	"onsale/raftfsm"
	"onsale/wal"
)

// readyInterval is how often a starting server looks for a leader.
const readyInterval = 10 * time.Millisecond

// server is one running node with its listeners. Tests drive it as main does.
type server struct {
	settings    *settings
	secrets     [][]byte // of the tokens, as they were at the start
	peerSecrets [][]byte // none with TLS, unless a file is named
	tokens      *tokens
	log         *slog.Logger
	credentials *certificate.Credentials           // nil without TLS
	buyersTLS   atomic.Pointer[certificate.Public] // of the buyers' port; nil without TLS, and before that is served
	files       wal.Files                          // the disk; tests hold it up

	node          *raftfsm.Node
	reader        *raftfsm.Reader // in place of the node while that cannot write
	directory     *forward.Directory
	replica       *forward.Replica
	manager       *membership.Manager
	forward       *forward.Server
	callers       atomic.Pointer[forward.Server] // the same, for who asks before it is there
	filler        *backfill.Filler
	pageLinks     *forward.Links // of the filler
	orders        *orderIndex    // nil before the node is open
	desk          *payment.Desk  // nil where no provider is configured
	payments      *payments.Forwarder
	closeProvider func() error

	public          *api.Public
	private         *api.Private
	publicListener  net.Listener
	privateListener net.Listener
	table           atomic.Pointer[[]api.Cluster]
	tickets         *ticket.Secrets // nil: no tickets are signed
	audit           *auditlog.Log
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
	if err := v.settings.check(); err != nil {
		return err
	}
	if err := v.settings.fileBounds().boundFiles(v.log); err != nil {
		return err
	}
	if v.credentials, err = v.settings.TLS.open(certificate.Identity{Role: certificate.RoleNode, ID: v.settings.Node.NodeID}, v.log); err != nil {
		return err
	}
	// The listeners come first: a port that is taken must not open the data.
	if err := v.listen(); err != nil {
		return err
	}
	if v.secrets, err = loadSecrets(v.settings); err != nil {
		return err
	}
	if v.peerSecrets, err = v.settings.loadPeerSecrets(v.log); err != nil {
		return err
	}
	v.settings.warnOfReaders(v.peerSecrets, v.log)
	if err := v.openTokens(); err != nil {
		return err
	}
	if v.tickets, err = v.settings.openTickets(v.log); err != nil {
		return err
	}
	if err := v.startNode(); err != nil {
		return err
	}
	return v.startHTTP()
}

// openTokens opens what verifies tokens, and the audit log, which has a line of each file of theirs
// that changes.
func (v *server) openTokens() (err error) {
	if v.audit, err = v.settings.openAudit(v.settings.Node.NodeID, v.log); err != nil {
		return err
	}
	if _, err := v.settings.openPseudonyms(v.log); err != nil {
		return err
	}
	v.tokens, err = v.settings.openTokens(v.settings.secretPath(), v.settings.secretsOptional(), v.audit, v.log)
	return err
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
