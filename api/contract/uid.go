package contract

import "onsale/sequencer"

// An order's uid as buyers see it has the number of its cluster in the highest
// byte of the seq's place: no cluster ever makes 2^56 decisions. So a uid says
// where its order is, and with number 0 it is the sequencer's own.
//
// A uid is whole or it is not found: whoever looks an order up by its seq compares the
// cluster and the sale as well. One order has one uid, and what is told of a payment or a
// refund under any other would be about something that nobody else can find.

// Place is where an order is.
type Place struct {
	Cluster uint8
	Sale    uint16
	Seq     uint64
}

// PlaceOf reads a uid; unknown-order when it is none.
func PlaceOf(uid []byte) (Place, error) {
	sale, seq, err := sequencer.ParseUID(uid)
	at := Place{uint8(seq >> sequencer.ClusterShift), sale, seq & (1<<sequencer.ClusterShift - 1)}
	if err != nil || at.Sale == 0 || at.Seq == 0 || at.Seq > sequencer.SeqMax {
		return Place{}, NewProblem(UnknownOrder, "this is not an order's uid")
	}
	return at, nil
}

// AppendUID appends the uid of an order of a cluster.
func AppendUID(dst []byte, cluster uint8, sale uint16, seq uint64) []byte {
	return sequencer.AppendUID(dst, sale, seq|uint64(cluster)<<sequencer.ClusterShift)
}

// OrderIn returns what a buyer sees of an order of a cluster.
func OrderIn(cluster uint8, view *sequencer.OrderView) Order {
	return OrderOf(view, string(AppendUID(nil, cluster, view.Sale, view.Seq)))
}
