package api

import (
	"fmt"

	"onsale/api/contract"
	"onsale/sequencer"
)

// An order's uid as buyers see it has the number of its cluster in the highest
// byte of the seq's place: no cluster ever makes 2^56 decisions. So a uid says
// where its order is, and with number 0 it is the sequencer's own.

// clusterShift is where the cluster's number begins.
const clusterShift = 56

// place is where an order is.
type place struct {
	cluster uint8
	sale    uint16
	seq     uint64
}

// placeOf reads a uid; unknown-order when it is none.
func placeOf(uid []byte) (place, error) {
	sale, seq, err := sequencer.ParseUID(uid)
	if err != nil {
		return place{}, contract.NewProblem(contract.UnknownOrder, "this is not an order's uid")
	}
	return place{uint8(seq >> clusterShift), sale, seq & (1<<clusterShift - 1)}, nil
}

// appendUID appends the uid of an order of a cluster.
func appendUID(dst []byte, cluster uint8, sale uint16, seq uint64) []byte {
	return sequencer.AppendUID(dst, sale, seq|uint64(cluster)<<clusterShift)
}

// orderOf returns what a buyer sees of an order of a cluster.
func orderOf(cluster uint8, view *sequencer.OrderView) contract.Order {
	return contract.OrderOf(view, string(appendUID(nil, cluster, view.Sale, view.Seq)))
}

// clusterOf returns the cluster that an order is in.
func (p *Public) clusterOf(at place) (*Cluster, error) {
	clusters := p.clusters.Clusters()
	for i := range clusters {
		if clusters[i].Number == at.cluster {
			return &clusters[i], nil
		}
	}
	return nil, contract.NewProblem(contract.UnknownOrder, fmt.Sprintf("there is no cluster %d here", at.cluster))
}
