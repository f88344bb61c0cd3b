package main

import (
	"context"
	"fmt"

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
	config.Logger, config.Peer, config.Files = v.log, peerConfig(v.credentials, v.log), v.files
	config.Fatal = func(err error) { v.fail(fmt.Errorf("the node cannot go on: %w", v.settings.withRepair(err))) }
	if v.node, err = raftfsm.Open(config); err != nil {
		return v.settings.withRepair(err)
	}
	limits := forward.Limits{RequestsMax: config.BatchRequestsMax, BytesMax: config.BatchBytesMax - sequencer.BatchHeaderBytes}
	v.directory = forward.NewDirectory(v.settings.Join)
	v.node.FollowLeader(v.follow)
	client := forward.NewClient(v.settings.client(v.log), v.node.PeerConfig(), v.directory, v.node, limits)
	v.replica = forward.NewReplica(v.node, client)
	v.manager = membership.New(v.settings.membership(v.log), v.node, v.node.Membership(), v.node.Checks())
	v.manager.Start(v.replica.Links())
	if err := v.startPayments(); err != nil {
		return err
	}
	serving := forward.DefaultServerConfig(limits)
	serving.Logger, serving.Blocks = v.log, v.node.History()
	v.forward = forward.NewServer(serving, v.node, v.replica, v.manager, v.payments)
	listener, err := v.node.ForwardListener()
	if err == nil {
		go v.serve("peers' service", v.forward.Serve, listener)
		err = v.startBackfill()
	}
	return err
}

// startPayments opens the payment provider, when there is one, and the desk.
func (v *server) startPayments() error {
	v.payments = payments.ForNode(v.replica.Links(), v.replica, nil)
	provider, closeProvider, err := v.settings.openProvider(v.log, func(signature string, body []byte) {
		if err := v.desk.Notice(providerSandbox, signature, body); err != nil {
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
	v.desk = payment.NewDesk(config, v.node, provider)
	v.payments = payments.ForNode(v.replica.Links(), v.replica, v.desk)
	return nil
}

// follow keeps the directory up to date: where the members are, and who leads.
func (v *server) follow(id, address string) {
	v.directory.SetLeader(id, address)
	var addresses []string
	for _, m := range v.node.Membership().List() {
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
	table := []api.Cluster{{Number: v.number(), Backend: v.replica, Payments: v.payments}}
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
