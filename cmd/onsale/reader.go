package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"onsale/api"
	"onsale/audit/report"
	"onsale/cluster/certificate"
	"onsale/cluster/forward"
	"onsale/cluster/membership"
	"onsale/cluster/membership/route"
	"onsale/cluster/payments"
	"onsale/internal/metric"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
	"onsale/sequencer"
)

// A node that cannot write, because its disk is full, shows what it has: sales, orders,
// status, health and metrics. It has no part in raft, takes nothing by itself, and sends what
// is to be decided on to the leader of the others, when there is one. When there is room it
// begins as a node again, in the same process.
//
// What if we die here? A reader writes nothing, so it leaves nothing; the next start looks at
// the disk again.

const (
	// roomInterval is how often a reader looks for room.
	roomInterval = time.Second
	// readTimeMin is how long one goes on at least while the disk says that there is room, which
	// may have come while the node ended. A disk may refuse writes all the same (quotas, inodes),
	// and each try is a whole start: the time doubles up to readTimeMax with every start that
	// lived no longer than that.
	readTimeMin = time.Second
	readTimeMax = 10 * time.Second
)

// nextReadTime returns how long a reader goes on at least, after a node that lived so long
// since the reader before went on for last, 0 for none.
func nextReadTime(last, lived time.Duration) time.Duration {
	if lived > readTimeMax {
		return readTimeMin
	}
	return min(max(2*last, readTimeMin), readTimeMax)
}

// readUntilRoom shows what a node has that could not write for a reason, until there is room
// for it or ctx ends; for readTime at least when no look found it short.
func readUntilRoom(ctx context.Context, s *settings, log *slog.Logger, hangUp <-chan os.Signal, why error, readTime time.Duration) error {
	log.Error("this node cannot write: it only shows what it has, and goes on by itself when there is room; "+
		"free space on its disk, or make it larger", "data", s.Node.DataDir, "error", why)
	v := &server{settings: s, log: log, failed: make(chan error, 4)}
	if err := v.startReading(why); err != nil {
		return errors.Join(why, fmt.Errorf("nor can it show what it has: %w", err), v.close())
	}
	log.Info("listening, read-only", "buyers", "http://"+v.publicListener.Addr().String(),
		"private", "http://"+v.privateListener.Addr().String(), "peers", v.reader.Address(), "seq", v.reader.AppliedSeq())
	reloading, stopReloading := context.WithCancel(ctx)
	defer stopReloading()
	go v.reloadAt(reloading, hangUp)
	err := v.awaitRoom(ctx, readTime)
	return errors.Join(err, v.close())
}

// awaitRoom returns nil when there is room for a node, or ctx ends.
func (v *server) awaitRoom(ctx context.Context, readTime time.Duration) error {
	ticker := time.NewTicker(roomInterval)
	defer ticker.Stop()
	looks := roomLooks{since: time.Now(), readTime: readTime}
	for { // the first look is at once: room that was short here and comes within the interval is room that was made
		if looks.starts(v.reader.Room(), time.Now()) {
			v.log.Info("there is room on the disk again: the node starts")
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-v.failed:
			return err
		case <-ticker.C:
		}
	}
}

// roomLooks are what a reader has seen of its disk.
type roomLooks struct {
	since    time.Time // when it began
	readTime time.Duration
	wasShort bool
}

// starts reports whether a node is to be begun after a look, whose error says that room is
// short: what comes after that is room that was made.
func (l *roomLooks) starts(short error, now time.Time) bool {
	if short != nil {
		l.wasShort = true
		return false
	}
	return l.wasShort || now.Sub(l.since) > l.readTime
}

// startReading opens the listeners on what the data folder has. The caller closes it.
func (v *server) startReading(why error) (err error) {
	own := certificate.Identity{Role: certificate.RoleNode, ID: v.settings.Node.NodeID}
	if v.credentials, err = v.settings.TLS.open(own, v.log); err != nil {
		return err
	}
	if err := v.listen(); err != nil {
		return err
	}
	if v.secrets, err = v.settings.readSecrets(); err != nil {
		return err
	}
	if v.peerSecrets, err = v.settings.readPeerSecrets(); err != nil {
		return err
	}
	if len(v.peerSecrets) == 0 && v.credentials == nil { // it was to be made: strangers do not get in meanwhile
		v.peerSecrets = [][]byte{make([]byte, peer.SecretBytesMin)}
		rand.Read(v.peerSecrets[0]) // never fails
	}
	if err := v.openTokens(); err != nil {
		return err
	}

	if v.tickets, err = v.settings.openTickets(v.log); err != nil {
		return err
	}

	config, err := v.settings.node()
	if err != nil {
		return err
	}
	config.Logger, config.Peer, config.Fatal = v.log, peerConfig(v.credentials, v.peerSecrets, v.tokens.verifier.Pseudonyms(), v.log), v.fail
	v.settings.boundPeers(&config.Peer) // as the start has divided the files
	if v.reader, err = raftfsm.OpenReader(config, why); err != nil {
		return err
	}
	v.startReadersPeers(&config)
	return v.startReadersHTTP()
}

// startReadersPeers connects a reader with the other nodes: it tells them how it is, and
// sends to their leader what is asked of it.
func (v *server) startReadersPeers(config *raftfsm.Config) {
	limits := forward.Limits{RequestsMax: config.BatchRequestsMax, BytesMax: config.BatchBytesMax - sequencer.BatchHeaderBytes}
	addresses := v.settings.Join
	for _, m := range v.reader.List() {
		if m.ID != config.NodeID {
			addresses = append(addresses, m.Address)
		}
	}
	v.directory = forward.NewDirectory(addresses)
	client := forward.NewClient(v.settings.client(v.log), v.reader.PeerConfig(), v.directory, v.reader, limits)
	v.replica = forward.NewReplica(v.reader, client)
	v.replica.SignTickets(v.tickets, v.readersNumber)
	v.manager = membership.New(v.membership(), v.reader, v.reader, v.reader, v.reader)
	v.manager.Start(v.replica.Links())
	v.payments = payments.ForNode(v.replica.Links(), v.replica, nil)
	serving := forward.DefaultServerConfig(limits)
	serving.Logger = v.log
	v.forward = forward.NewServer(serving, v.reader, v.replica, v.manager, nil)
	v.callers.Store(v.forward)
	go v.serve("peers' service", v.forward.Serve, v.reader.ForwardListener())
	v.table.Store(&[]api.Cluster{{Number: v.readersNumber(), Backend: v.replica, Payments: v.payments, Tickets: v.replica}})
}

func (v *server) startReadersHTTP() error {
	config, err := v.settings.web(v.tokens.gate, v.log)
	if err != nil {
		return err
	}
	buyers, err := v.settings.TLS.buyers(v.log)
	if err != nil {
		return err
	}
	v.buyersTLS.Store(buyers)
	metrics := api.NewMetrics(v.tokens.verifier)
	timelines := report.NewService(v.reader.JournalDir(), v.log)
	registry := newRegistry(v.credentials, buyers)
	own := new(metric.Set)
	v.reader.Publish(own)
	registry.MustRegister(metrics, timelines, own, v.replica.Collector(v.forward), v.manager.Collector(), auditMetrics(v.audit), v.tokens.metrics(), v.ticketMetrics())
	operations := api.Operations{
		Checks:   v.readersChecks,
		Node:     func() any { return v.reader.Status() },
		Metrics:  registry,
		Cluster:  route.Steps(v.manager),
		Payments: v.payments,
		Tickets:  v.replica, Revocations: v.replica.Revocations, TicketedIn: v.replica.TicketedIn,
		Timeline: timelines.Timeline,
		Audit:    v.audit, Membership: v.manager.Here,
	}
	return v.serveHTTP(config, metrics, buyers, v.readersNumber, operations)
}

func (v *server) readersNumber() uint8 { return v.reader.Identity().ClusterNumber }

// readersChecks keep requests away from a reader: what it shows may be old, and it takes
// nothing.
func (v *server) readersChecks() []api.Check {
	return []api.Check{{Name: "storage", Err: v.reader.Why()}, v.draining.check()}
}
