package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"onsale/api/client"
	"onsale/cluster/known"
	"onsale/raftfsm"
	"onsale/raftfsm/peer"
	"onsale/wal"
)

// meetTimeout bounds the question which cluster a node belongs to.
const meetTimeout = 10 * time.Second

// meet asks who is at the private listener and refuses a node of a cluster that the state
// file does not go on with. A front-end answers for several clusters, and has a state file of
// its own; a node without a cluster says of none.
func (d *desk) meet(operator *client.Seller) error {
	file, err := known.Open(wal.OS{}, d.stateFile)
	if err != nil {
		return fmt.Errorf("--state-file: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), meetTimeout)
	defer cancel()
	raw, err := operator.Node(ctx)
	if err != nil {
		return err
	}
	var status raftfsm.Status
	if err := json.Unmarshal(raw, &status); err != nil {
		return err
	}
	if status.NodeID == "" || status.ClusterID == "" {
		return nil
	}

	node, err := identityOf(&status)
	if err != nil {
		return err
	}
	if err := file.Of(node.Number, slog.New(slog.DiscardHandler)).Meet(node); err != nil {
		return fmt.Errorf("node %s at %s %w", node.ID, d.address, err)
	}
	return nil
}

// identityOf returns who a node says that it is.
func identityOf(status *raftfsm.Status) (*peer.Identity, error) {
	is := &peer.Identity{ID: status.NodeID, Role: peer.Node, Number: status.ClusterNumber}
	own, err := peer.ParseClusterID(status.ClusterID)
	if err != nil {
		return nil, err
	}
	for _, text := range status.Lineage {
		id, err := peer.ParseClusterID(text)
		if err != nil {
			return nil, err
		}
		is.Births = append(is.Births, id)
	}
	if is.Births.Newest() != own {
		return nil, fmt.Errorf("its cluster is %v, its lineage ends with %v", own, is.Births.Newest())
	}
	is.Cluster = own
	return is, nil
}
