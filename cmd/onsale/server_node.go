package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"onsale/api"
	"onsale/cluster/forward"
	"onsale/cluster/membership"
	"onsale/cluster/payments"
	"onsale/internal/failpoint"
	"onsale/payment"
	"onsale/raftfsm"
	"onsale/sequencer"
)

// startNode opens the replica and everything between it and its peers.
func (v *server) startNode() error {
	config, err := v.settings.node()
	if err != nil {
		return err
	}
	config.Logger, config.Peer, config.Files = v.log, peerConfig(v.credentials, v.peerSecrets, v.tokens.verifier.Pseudonyms(), v.log), v.files
	v.settings.boundPeers(&config.Peer)
	config.CertificateEnds = v.certificateEnds
	config.Fatal = func(err error) { v.fail(fmt.Errorf("the node cannot go on: %w", v.settings.withRepair(err))) }
	if v.node, err = raftfsm.Open(config); err != nil {
		return v.settings.withRepair(err)
	}
	v.orders = v.startOrderIndex()
	limits := forward.Limits{RequestsMax: config.BatchRequestsMax, BytesMax: config.BatchBytesMax - sequencer.BatchHeaderBytes}
	v.directory = forward.NewDirectory(v.settings.Join)
	v.node.FollowLeader(v.follow)
	client := forward.NewClient(v.settings.client(v.log), v.node.PeerConfig(), v.directory, v.node, limits)
	v.replica = forward.NewReplica(v.node, client)
	v.replica.SignTickets(v.tickets, v.number)
	v.manager = membership.New(v.membership(), v.node, v.node.Membership(), v.node.Checks(), v.node)
	v.manager.Start(v.replica.Links())
	if err := v.startPayments(); err != nil {
		return err
	}
	serving := forward.DefaultServerConfig(limits)
	serving.Logger, serving.Blocks, serving.Sellers = v.log, v.node.History(), v.sellersHere()
	v.forward = forward.NewServer(serving, v.node, v.replica, v.manager, v.payments)
	v.callers.Store(v.forward)
	listener, err := v.node.ForwardListener()
	if err == nil {
		go v.serve("peers' service", v.forward.Serve, listener)
		err = v.startBackfill()
	}
	return err
}

// membership says what this node does in its cluster.
func (v *server) membership() membership.Config {
	c := v.settings.membership(v.log)
	c.FrontEnds, c.Certificates = v.frontEnds, v.certificates
	c.PseudonymKeys, c.PseudonymKeysAt = spellKeys(v.tokens.verifier.Pseudonyms().IDs()), time.Now()
	c.AuditTrouble, c.TokenFileTrouble, c.Facts = v.audit.Trouble, v.tokens.trouble, v.facts
	c.Removed = func(err error) {
		v.fail(fmt.Errorf("%w; put %s aside to let it join as a new node", err, v.settings.Node.DataDir))
	}
	return c
}

// startPayments opens the payment provider, when there is one, and the desk, which without one
// takes what costs nothing.
func (v *server) startPayments() error {
	provider, closeProvider, err := v.settings.openProvider(v.log, func(signature string, body []byte) {
		if err := v.desk.Notice(providerSandbox, signature, body); err != nil {
			v.log.Debug("a webhook was not taken", "error", err)
		}
	})
	if err != nil {
		return err
	}
	v.closeProvider = closeProvider
	config := payment.DefaultConfig()
	config.Number, config.Logger = v.number, v.log
	config.StopMax, config.HandOver = v.settings.Node.OutageMax, v.handOverProvider
	config.Rate, config.LineMax = v.settings.Payment.rateOf(provider), v.settings.Payment.LineMax
	config.Reached = func(step payment.Step) { failpoint.Hit(failpoint.Payment + failpoint.Name(step)) }
	v.desk = payment.NewDesk(config, v.node, provider)
	v.payments = payments.ForNode(v.replica.Links(), v.replica, v.desk)
	return nil
}

// handOverProvider lets another node lead when this one does not reach the payment provider.
func (v *server) handOverProvider() bool {
	err := v.node.HandOverFor(raftfsm.CauseProvider)
	if err != nil {
		v.log.Warn("the payment provider cannot be reached, and no other node is let lead", "error", err)
	}
	return err == nil
}

// certificateEnds returns when this node's certificate for its peers ends.
func (v *server) certificateEnds() (ends time.Time, any bool) {
	if v.credentials == nil {
		return time.Time{}, false
	}
	return v.credentials.NotAfter(), true
}

// frontEnds are those that are connected to this node.
func (v *server) frontEnds() (all []membership.FrontEnd) {
	callers := v.callers.Load()
	if callers == nil {
		return nil
	}
	for _, is := range callers.FrontEnds() {
		one := membership.FrontEnd{ID: is.ID, LevelMax: is.Speaks, Version: is.Build, PseudonymKeys: spellKeys(is.PseudonymKeys[:])}
		if len(is.Births) > 0 {
			one.ClusterID = is.Cluster.String()
		}
		all = append(all, one)
	}
	return all
}

// follow keeps the directory up to date: where the members are, and who leads.
func (v *server) follow(id, address string) {
	v.directory.SetLeader(id, address)
	var addresses []string
	for _, m := range v.node.Membership().List() {
		addresses = append(addresses, m.Address)
	}
	for _, told := range v.settings.Join { // where they may be when all have moved
		if !slices.Contains(addresses, told) {
			addresses = append(addresses, told)
		}
	}
	v.directory.SetAddresses(addresses)
}

// Clusters returns the one cluster that a node serves; its number is known once
// the node belongs to it.
func (v *server) Clusters() []api.Cluster {
	if table := v.table.Load(); table != nil {
		return *table
	}
	table := []api.Cluster{{Number: v.number(), Backend: v.replica, Payments: v.payments, Tickets: v.replica}}
	if v.node.Identity().ClusterID != "" {
		v.table.Store(&table)
	}
	return table
}

func (v *server) number() uint8 { return v.node.Identity().ClusterNumber }

// joinCluster brings the node into its cluster, when it was told to join one.
func (v *server) joinCluster(ctx context.Context) {
	if len(v.settings.Join) == 0 {
		return
	}
	err := v.manager.Join(ctx, v.settings.Join, v.settings.BootstrapExpect, v.settings.Learner)
	if err != nil && ctx.Err() == nil {
		v.fail(err)
	}
}
