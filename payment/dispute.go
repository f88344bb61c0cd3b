package payment

import (
	"context"
	"time"

	"onsale/sequencer"
)

// A buyer may have the bank take money back: a dispute, or chargeback. The provider tells (Notice),
// or a comparison of the books finds it; then the charge is asked about, and how the dispute
// stands is committed. Evidence is given on the provider's own page.

// DisputeView is one dispute.
type DisputeView struct {
	Order    string `json:"order"` // uid
	Key      string `json:"payment"`
	Status   string `json:"status"`
	Amount   int64  `json:"amount"` // minor units
	Currency string `json:"currency"`
	// EvidenceBy is until when evidence may be given; nil for no time.
	EvidenceBy *time.Time `json:"evidence_by,omitempty"`
	State      string     `json:"state"` // of the order
}

// Disputes are disputes, the most urgent first.
type Disputes struct {
	Disputes []DisputeView `json:"disputes"`
	More     bool          `json:"more_disputes"` // the list was cut
}

// DisputesMax bounds the disputes that are told at once.
const DisputesMax = 1000

// dispute commits how a dispute of the newest attempt's money stands, if that is news.
func (d *Desk) dispute(v *sequencer.OrderView, is sequencer.Dispute) {
	if is.Status == sequencer.DisputeNone || is == v.Dispute {
		return
	}
	result, err := d.node.Decide(&sequencer.Command{Kind: sequencer.KindPayDisputed, Order: v.Seq, Attempt: v.Attempts,
		Dispute: is.Status, Amount: is.Amount, Count: uint32(is.EvidenceBy / int64(time.Second))})
	if err == nil && result.Code == sequencer.CodeOK {
		d.config.Logger.Warn("a charge is disputed", "order", v.Seq, "status", is.Status.String(), "amount", is.Amount)
	}
}

// Disputes lists the disputes that this replica shows once it has caught up.
func (d *Desk) Disputes(ctx context.Context, caughtUp func(context.Context) error) (*Disputes, error) {
	if err := caughtUp(ctx); err != nil {
		return nil, err
	}
	var seqs []uint64
	d.node.Read(func(s sequencer.Reader) { seqs = s.Disputes(DisputesMax + 1) })
	found := &Disputes{Disputes: []DisputeView{}, More: len(seqs) > DisputesMax}
	for _, seq := range seqs[:min(len(seqs), DisputesMax)] {
		if view, known := d.order(seq); known { // one by one: batches are decided between them
			found.Disputes = append(found.Disputes, d.disputeView(&view))
		}
	}
	return found, nil
}

func (d *Desk) disputeView(v *sequencer.OrderView) DisputeView {
	shown := DisputeView{Order: d.uid(v), Status: v.Dispute.Status.String(), Amount: v.Dispute.Amount, State: v.State.String()}
	shown.Key = sequencer.PaymentRef(v.Birth, shown.Order, v.Attempts)
	if sale, known := d.node.SaleByID(v.SaleID); known {
		shown.Currency = sale.Currency
	}
	if v.Dispute.EvidenceBy != 0 {
		by := time.Unix(0, v.Dispute.EvidenceBy).UTC()
		shown.EvidenceBy = &by
	}
	return shown
}
