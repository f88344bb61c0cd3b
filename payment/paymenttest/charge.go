package paymenttest

import (
	"onsale/payment"
	"onsale/sequencer"
)

// BirthID is the id of the clusters of this package, unless another is given.
func BirthID() sequencer.ClusterID { return sequencer.ClusterID{0xb1, 0x27, 15: 1} }

func birth(id sequencer.ClusterID, cause sequencer.BirthCause, at int64) *sequencer.Command {
	return &sequencer.Command{Kind: sequencer.KindBirth, Key: sequencer.KeyDigest(id), Amount: at, Count: uint32(cause)}
}

// Attempt is one attempt to pay an order.
type Attempt struct {
	Birth  sequencer.ClusterID // BirthID when it is zero
	User   string
	Sale   uint16 // the first one when it is 0
	Seq    uint64 // with the number of its cluster
	Number uint8  // 1 when it is 0
}

// Charge returns the charge of an attempt as a provider must be asked for it.
func (a Attempt) Charge(amount int64, currency string) payment.Charge {
	if a.Birth == (sequencer.ClusterID{}) {
		a.Birth = BirthID()
	}
	uid := sequencer.FormatUID(max(a.Sale, 1), a.Seq)
	return payment.Charge{
		Key: sequencer.PaymentRef(a.Birth, uid, max(a.Number, 1)), Order: uid,
		Birth: a.Birth.String(), Buyer: payment.BuyerDigest(a.Birth, a.User), Amount: amount, Currency: currency,
	}
}
