package contract

import "onsale/sequencer"

// An order's uid as buyers see it has the number of its cluster in the highest
// byte of the seq's place: no cluster ever makes 2^56 decisions. So a uid says
// where its order is, and with number 0 it is the sequencer's own.

// Place is where an order is.
type Place struct {
	Cluster uint8
	Sale    uint16
	Seq     uint64
}

// PlaceOf reads a uid; unknown-order when it is none.
func PlaceOf(uid []byte) (Place, error) {
	sale, seq, err := sequencer.ParseUID(uid)
	if err != nil {
		return Place{}, NewProblem(UnknownOrder, "this is not an order's uid")
	}
	return Place{uint8(seq >> sequencer.ClusterShift), sale, seq & (1<<sequencer.ClusterShift - 1)}, nil
}

// AppendUID appends the uid of an order of a cluster.
func AppendUID(dst []byte, cluster uint8, sale uint16, seq uint64) []byte {
	return sequencer.AppendUID(dst, sale, seq|uint64(cluster)<<sequencer.ClusterShift)
}

// OrderIn returns what a buyer sees of an order of a cluster.
func OrderIn(cluster uint8, view *sequencer.OrderView) Order {
	return OrderOf(view, string(AppendUID(nil, cluster, view.Sale, view.Seq)))
}
