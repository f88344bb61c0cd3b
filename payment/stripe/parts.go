package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
	"onsale/sequencer"
)

// metadataPart says which part of its order a refund is of; it is not there for one of all
// that is left. A refund of a part has an idempotency key of its own, because a second one
// that was sent by a leader of before, and arrives late, would give as much back again. It is
// found by its metadata for as long as there is the charge.
const metadataPart = "onsale_part"

// ReturnPart implements payment.Provider.
func (p *Provider) ReturnPart(ctx context.Context, c payment.Charge, part payment.Part) (payment.Status, error) {
	id, err := p.look(ctx, c)
	if err != nil || id == "" {
		return payment.Status{Phase: payment.Unknown}, err
	}
	whole, err := p.retrieve(ctx, c, id)
	if err != nil || whole.Phase != payment.Captured {
		return payment.Status{Phase: whole.Phase}, err
	}
	for key := range partKeysMax {
		refunds, err := p.refundsOf(ctx, id)
		status := partStatus(refunds, part.Number)
		if err != nil || status.Phase == payment.Refunded || status.Refunding || status.Refunds >= part.Refund {
			return status, err
		}
		made, err := p.refundPart(ctx, c, id, part, key)
		if isRepeatedFailure(err) {
			continue
		}
		return partSent(made, err, part)
	}
	return payment.Status{}, fmt.Errorf("stripe: the refund of part %d of %s fails under %d keys", part.Number, c.Key, partKeysMax)
}

// partKeysMax bounds the keys under which a refund of a part is tried. A failure of Stripe's
// own is repeated under its key for a day: then the list says that it made no refund, and the
// next key is free.
const partKeysMax = 8

// isRepeatedFailure reports whether Stripe repeats that an earlier request under the key failed.
func isRepeatedFailure(err error) bool {
	var refusal *stripego.Error
	return errors.As(err, &refusal) && refusal.HTTPStatusCode >= http.StatusInternalServerError && isRepeated(refusal.LastResponse)
}

// partSent returns how a refund stands that was sent.
func partSent(made *stripego.Refund, err error, part payment.Part) (payment.Status, error) {
	if why := refusedForGood(err); why != sequencer.ReasonNone {
		return payment.Status{Phase: payment.Captured, Refunds: part.Refund, Refusal: why}, nil
	}
	if err != nil {
		return payment.Status{}, describe(err)
	}
	return partStatus([]*stripego.Refund{made}, part.Number), nil
}

// refundPart gives a part back, once for a key; the first is key 0.
func (p *Provider) refundPart(ctx context.Context, c payment.Charge, id string, part payment.Part, key int) (*stripego.Refund, error) {
	amount, err := toStripe(part.Amount, c.Currency)
	if err != nil {
		return nil, err
	}
	metadata := metadataOf(c)
	metadata[metadataPart], metadata[metadataRefund] = strconv.Itoa(int(part.Number)), strconv.Itoa(int(part.Refund))
	params := &stripego.RefundCreateParams{PaymentIntent: &id, Amount: &amount, Metadata: metadata}
	params.SetIdempotencyKey(fmt.Sprintf("%s/part-%d-%d-%d", c.Key, part.Number, part.Refund, key))
	return p.stripe.V1Refunds.Create(ctx, params)
}

// refundsOf returns all refunds of an intent.
func (p *Provider) refundsOf(ctx context.Context, id string) (all []*stripego.Refund, err error) {
	params := &stripego.RefundListParams{PaymentIntent: &id}
	params.Limit, params.Single = stripego.Int64(pageMax), true
	for {
		page := p.stripe.V1Refunds.List(ctx, params)
		if page.Err() != nil {
			return nil, describe(page.Err())
		}
		all = append(all, page.Data()...)
		if !page.Meta().HasMore || len(page.Data()) == 0 {
			return all, nil
		}
		params.StartingAfter = &all[len(all)-1].ID
	}
}

// partStatus returns how the money of a part stands, of the refunds of its charge.
func partStatus(refunds []*stripego.Refund, number uint8) payment.Status {
	status := payment.Status{Phase: payment.Captured}
	for _, refund := range refunds {
		if refund.Metadata[metadataPart] != strconv.Itoa(int(number)) {
			continue
		}
		try, _ := strconv.ParseUint(refund.Metadata[metadataRefund], 10, 8) // ours, in every refund of a part
		switch refund.Status {
		case stripego.RefundStatusPending, stripego.RefundStatusRequiresAction:
			status.Refunding = true
		case stripego.RefundStatusFailed, stripego.RefundStatusCanceled:
			if uint8(try) > status.Refunds {
				status.Refusal = refusalOf(refund.FailureReason)
			}
		default:
			status.Phase = payment.Refunded
		}
		status.Refunds = max(status.Refunds, uint8(try))
	}
	return status
}

// refundedOf returns how much of what was captured of an intent went back, in Stripe's units.
// What a capture of less released counts as refunded there, by a refund that nobody asked for.
func refundedOf(i *stripego.PaymentIntent) int64 {
	c, released := i.LatestCharge, i.Amount-i.AmountReceived
	if released <= 0 || c.Refunds == nil {
		return c.AmountRefunded
	}
	for _, refund := range c.Refunds.Data {
		if refund.Amount == released && refund.Metadata[metadataKey] == "" {
			return c.AmountRefunded - released
		}
	}
	if c.Refunds.HasMore { // it is the oldest, out of sight
		return c.AmountRefunded - released
	}
	return c.AmountRefunded
}
