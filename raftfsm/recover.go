package raftfsm

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"onsale/raftfsm/folder"
)

// Recover makes a cluster of one out of the data folder of a node that is stopped,
// after a majority of its cluster is lost for good. Everything that this node has is
// kept, whether it was committed or not; what only the lost ones had is gone. The
// cluster gets a new id, so that a lost node that comes back is refused.
func Recover(config Config) error {
	if err := config.Validate(); err != nil {
		return err
	}
	if _, err := folder.ReadIdentity(config.DataDir); err != nil {
		return err
	}
	life := newLifecycle(config.Fatal)
	data, err := openData(&config, nil, life.fatal)
	if err != nil {
		return err
	}
	return errors.Join(recoverAlone(&config, data, life), data.Close())
}

// recoverAlone applies the whole log and makes the node the only member.
func recoverAlone(config *Config, data *folder.Folder, life *lifecycle) error {
	m := newMachine(data.Journal, config.CheckBatches, life.fatal, config.Logger)
	_, trans := raft.NewInmemTransport(raft.ServerAddress(config.RaftAddress))
	address := cmp.Or(config.AdvertiseAddress, config.RaftAddress)
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(config.NodeID), Address: raft.ServerAddress(address)}}}
	if err := raft.RecoverCluster(config.raftConfig(), m, data.Log, data.Votes, data.Snapshots, trans, alone); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return data.Owner.Change(func(i *folder.Identity) {
		i.ClusterID, i.Bootstrap, i.Started = folder.NewClusterID().String(), nil, true
	})
}
