package ticket

import (
	"errors"

	"onsale/sequencer"
)

// ErrOff is returned where the nodes have no key to sign tickets with.
var ErrOff = errors.New("this cluster signs no tickets: its nodes have no --ticket-key-file")

// Coded is a valid ticket of an order, with its code.
type Coded struct {
	Number uint32
	Code   string
}

// Codes returns the codes of an order's valid tickets, of a cluster with a number: none for one that
// was paid before the first birth, in the cluster of which this one is a copy.
func (s *Secrets) Codes(cluster uint8, v *sequencer.OrderView) (codes []Coded) {
	if v.PaidBirth == (sequencer.ClusterID{}) {
		return nil
	}
	for _, is := range v.Tickets {
		if is.Revoked {
			continue
		}
		t := Ticket{Birth: v.PaidBirth, Cluster: cluster, Sale: v.Sale, Order: v.Seq, Paid: v.PaidSeq, Number: is.Number}
		codes = append(codes, Coded{Number: is.Number, Code: s.Sign(&t)})
	}
	return codes
}
