package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
)

// The metadata of intents, refunds and, copied by Stripe, charges.
const (
	metadataKey   = "onsale_payment" // Charge.Key
	metadataOrder = "onsale_order"   // Charge.Order
)

func metadataOf(c payment.Charge) map[string]string {
	return map[string]string{metadataKey: c.Key, metadataOrder: c.Order}
}

// Errors of charges that never were and will never be.
var (
	// errRefused is returned when Stripe does not take the amount or currency.
	errRefused = errors.New("stripe: the amount or currency is not taken")
	// errLostKey is returned when the create under this key ended in an error that
	// Stripe repeats: nobody was told or will be told the intent's id.
	errLostKey = errors.New("stripe: the intent was lost while it was made")
)

// gone returns how a charge stands that cannot be found: over when it can never be,
// else unknown with an error.
func (p *Provider) gone(err error) (payment.Status, error) {
	if errors.Is(err, errRefused) || errors.Is(err, errLostKey) {
		p.config.Logger.Warn("a charge can never be made", "error", err)
		return payment.Status{Phase: payment.Cancelled}, nil
	}
	return payment.Status{}, err
}

// locate returns the id of a charge's intent, and makes the intent, unconfirmed, when
// there is none.
func (p *Provider) locate(ctx context.Context, c payment.Charge) (id string, err error) {
	if id, known := p.ids.Get(c.Key); known {
		return id, nil
	}
	if id, err = p.search(ctx, c); err != nil {
		return "", err
	}
	if id == "" {
		intent, err := p.create(ctx, c)
		if err != nil {
			return "", err
		}
		id = intent.ID
	}
	p.ids.Add(c.Key, id)
	return id, nil
}

// create makes a charge's intent, or returns the one that was made under its key, as it
// stands now. It never confirms.
func (p *Provider) create(ctx context.Context, c payment.Charge) (*stripego.PaymentIntent, error) {
	amount, err := toStripe(c.Amount, c.Currency)
	if err != nil {
		return nil, err
	}
	params := &stripego.PaymentIntentCreateParams{
		Amount: &amount, Currency: stripego.String(strings.ToLower(c.Currency)), Metadata: metadataOf(c), Description: stripego.String("order " + c.Order),
		CaptureMethod:      stripego.String(string(stripego.PaymentIntentCaptureMethodManual)),
		PaymentMethodTypes: []*string{stripego.String("card")},
	}
	params.SetIdempotencyKey(c.Key)
	intent, err := p.stripe.V1PaymentIntents.Create(ctx, params)
	if err != nil {
		return nil, createError(err, c)
	}
	if isRepeated(intent.LastResponse) { // it shows the intent as it was made
		return p.fetch(ctx, c, intent.ID)
	}
	return intent, nil
}

// isRepeated reports whether an answer is the one that an earlier request of the same
// idempotency key had.
func isRepeated(r *stripego.APIResponse) bool {
	return r != nil && r.Header.Get("Idempotent-Replayed") == "true"
}

func createError(err error, c payment.Charge) error {
	var refusal *stripego.Error
	if !errors.As(err, &refusal) {
		return describe(err)
	}
	switch {
	case refusal.Type == stripego.ErrorTypeIdempotency && refusal.Code != stripego.ErrorCodeIdempotencyKeyInUse:
		return fmt.Errorf("%w: %s: %w", payment.ErrConflict, c.Key, describe(err))
	case refusal.HTTPStatusCode >= http.StatusInternalServerError && isRepeated(refusal.LastResponse):
		return fmt.Errorf("%w: %s: %w", errLostKey, c.Key, describe(err))
	case refusal.HTTPStatusCode == http.StatusBadRequest && (refusal.Param == "amount" || refusal.Param == "currency"):
		return fmt.Errorf("%w: %s: %w", errRefused, c.Key, describe(err))
	}
	return describe(err)
}

// search returns the id of a charge's intent, as far as the search knows it; "" when it
// does not.
func (p *Provider) search(ctx context.Context, c payment.Charge) (id string, err error) {
	params := &stripego.PaymentIntentSearchParams{SearchParams: stripego.SearchParams{
		Query: fmt.Sprintf("metadata[%q]:%q", metadataKey, c.Key), Limit: stripego.Int64(1), Single: true,
	}}
	found := p.stripe.V1PaymentIntents.Search(ctx, params)
	if found.Err() != nil {
		return "", describe(found.Err())
	}
	for _, intent := range found.Data() {
		if intent.Metadata[metadataKey] == c.Key {
			return intent.ID, nil
		}
	}
	return "", nil
}

// fetch returns an intent with its newest charge; ErrConflict when it is about another
// charge than ours.
func (p *Provider) fetch(ctx context.Context, c payment.Charge, id string) (*stripego.PaymentIntent, error) {
	params := &stripego.PaymentIntentRetrieveParams{}
	params.AddExpand("latest_charge")
	intent, err := p.stripe.V1PaymentIntents.Retrieve(ctx, id, params)
	if err != nil {
		return nil, describe(err)
	}
	if found := chargeOf(intent); found != c {
		return nil, fmt.Errorf("%w: %s is %d %s", payment.ErrConflict, c.Key, found.Amount, found.Currency)
	}
	return intent, nil
}
