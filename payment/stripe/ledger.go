package stripe

import (
	"context"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
)

// pageMax is how many intents Stripe lists at once, at most.
const pageMax = 100

// Ledger implements payment.Provider, the newest charges first. The cursor is the id of
// the last intent of a page. Intents of other systems are left out, so a page may be
// shorter than the limit, or empty.
func (p *Provider) Ledger(ctx context.Context, cursor string, limit int) (entries []payment.Entry, next string, err error) {
	params := &stripego.PaymentIntentListParams{}
	params.Limit, params.Single = stripego.Int64(int64(min(max(limit, 1), pageMax))), true
	params.AddExpand("data." + expandRefunds)
	if cursor != "" {
		params.StartingAfter = &cursor
	}
	page := p.stripe.V1PaymentIntents.List(ctx, params)
	if page.Err() != nil {
		return nil, "", describe(page.Err())
	}
	intents := page.Data()
	for _, intent := range intents {
		if intent.Metadata[metadataKey] == "" {
			continue
		}
		entry := entryOf(intent)
		if entry.Dispute, err = p.disputeOf(ctx, intent); err != nil {
			return nil, "", err
		}
		entries = append(entries, entry)
	}
	if page.Meta().HasMore && len(intents) > 0 {
		next = intents[len(intents)-1].ID
	}
	return entries, next, nil
}

// Lookup implements payment.Provider, as far as the search knows the key.
func (p *Provider) Lookup(ctx context.Context, key string) (*payment.Entry, error) {
	intents, err := p.searchKey(ctx, key)
	if err != nil || len(intents) == 0 {
		return nil, err
	}
	params := &stripego.PaymentIntentRetrieveParams{}
	params.AddExpand(expandRefunds) // the search may show it as it was
	intent, err := p.stripe.V1PaymentIntents.Retrieve(ctx, intents[0].ID, params)
	if err != nil {
		return nil, describe(err)
	}
	entry := entryOf(intent)
	return &entry, nil
}

func entryOf(i *stripego.PaymentIntent) payment.Entry {
	e := payment.Entry{Charge: chargeOf(i), Status: statusOf(i), CreatedAt: time.Unix(i.Created, 0).UTC()}
	e.CapturedAmount = fromStripe(i.AmountReceived, e.Currency)
	if i.LatestCharge != nil && i.AmountReceived > 0 {
		e.RefundedAmount = fromStripe(refundedOf(i), e.Currency)
	}
	return e
}
