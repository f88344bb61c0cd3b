package stripe

import (
	"context"
	"errors"
	"strconv"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
	"onsale/sequencer"
)

// metadataRefund says which refund of its charge a refund is, from 1. One that failed is not
// sent again under its number, however many leaders try.
const metadataRefund = "onsale_refund"

// expandRefunds asks for a charge with its refunds, the newest ten.
const expandRefunds = "latest_charge.refunds"

// refundedStatus returns how the money of a captured intent stands. A refund may be under way
// for days, and may fail when it was taken.
func refundedStatus(i *stripego.PaymentIntent) payment.Status {
	status := payment.Status{Phase: payment.Captured}
	if i.LatestCharge == nil {
		return status
	}
	if i.LatestCharge.Refunded || i.AmountReceived > 0 && refundedOf(i) >= i.AmountReceived {
		status.Phase = payment.Refunded
	}
	if i.LatestCharge.Refunds == nil {
		return status
	}
	for _, refund := range i.LatestCharge.Refunds.Data {
		number, _ := strconv.ParseUint(refund.Metadata[metadataRefund], 10, 8) // 0 for one that is not ours
		if refund.Metadata[metadataPart] != "" {
			number = 0 // of a part, which has its own
		}
		switch refund.Status {
		case stripego.RefundStatusPending, stripego.RefundStatusRequiresAction:
			status.Phase, status.Refunding = payment.Captured, true
		case stripego.RefundStatusFailed, stripego.RefundStatusCanceled:
			if uint8(number) > status.Refunds {
				status.Refusal = refusalOf(refund.FailureReason)
			}
		}
		status.Refunds = max(status.Refunds, uint8(number))
	}
	return status
}

func refusalOf(reason stripego.RefundFailureReason) sequencer.PayReason {
	switch reason {
	case stripego.RefundFailureReasonExpiredOrCanceledCard, stripego.RefundFailureReasonLostOrStolenCard:
		return sequencer.ReasonMethodGone
	}
	return sequencer.ReasonRefundDeclined
}

// refund gives back what was not given back yet, unless a refund of its number was sent before.
func (p *Provider) refund(ctx context.Context, c payment.Charge, id string, number uint8) error {
	metadata := metadataOf(c)
	metadata[metadataRefund] = strconv.Itoa(int(number))
	_, err := p.stripe.V1Refunds.Create(ctx, &stripego.RefundCreateParams{PaymentIntent: &id, Metadata: metadata})
	return err
}

// refusedForGood returns why Stripe will never take a refund; ReasonNone when it may.
func refusedForGood(err error) sequencer.PayReason {
	var refusal *stripego.Error
	if !errors.As(err, &refusal) {
		return sequencer.ReasonNone
	}
	switch refusal.Code {
	case stripego.ErrorCodeChargeDisputed, stripego.ErrorCodeRefundDisputedPayment:
		return sequencer.ReasonDisputed
	case stripego.ErrorCodeChargeNotRefundable:
		return sequencer.ReasonRefundRefused
	}
	return sequencer.ReasonNone
}
