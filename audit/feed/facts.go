package feed

import (
	"onsale/api/contract"
	"onsale/sequencer"
)

// factsMax bounds the orders that are looked up at a time: no batch is decided meanwhile on this
// replica, and a look at an order takes about a microsecond.
const factsMax = 64

// Replica has the facts of orders, up to the newest block of the journal at least.
type Replica interface {
	// Read calls read with the state, as raftfsm.Node does.
	Read(read func(sequencer.Reader))
}

// facts are what never changes about an order.
type facts struct {
	uid, sale, user, reference, currency string
	requested                            uint8
	paidSeq                              uint64 // 0 while it was never paid
}

// look fills in the facts of the steps, and leaves out those that did not happen. What a step that
// is about a sale alone says of it is the sale's id.
func (s *Service) look(steps []step) []told {
	all := make([]told, len(steps))
	for at := 0; at < len(steps); at += factsMax {
		part := steps[at:min(at+factsMax, len(steps))]
		s.replica.Read(func(r sequencer.Reader) {
			for i := range part {
				all[at+i] = told{step: &part[i], facts: s.factsOf(r, &part[i])}
			}
		})
	}
	return all
}

// told is a step with what is known of its order.
type told struct {
	*step
	facts
}

// happened reports whether a decision that may have been a repetition was none.
func (t *told) happened() bool { return !t.paid || t.paidSeq == t.result.Seq }

func (s *Service) factsOf(r sequencer.Reader, of *step) (f facts) {
	if of.order != 0 {
		v, known := r.Order(of.order)
		if known {
			f = facts{uid: string(contract.AppendUID(nil, s.number(), v.Sale, v.Seq)), sale: v.SaleID, user: v.User, reference: v.Reference,
				requested: v.Requested, paidSeq: v.PaidSeq}
			of.sale = v.Sale
		}
	}
	if of.sale != 0 && (f.sale == "" || of.command != nil && of.command.Amount != 0) {
		sale, _ := r.Sale(of.sale)
		f.sale, f.currency = sale.ID, sale.Currency
	}
	return f
}
