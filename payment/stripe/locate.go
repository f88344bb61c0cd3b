package stripe

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
)

// The metadata of intents, refunds and, copied by Stripe, charges. Stripe takes names of up
// to 40 characters and values of up to 500
// (https://docs.stripe.com/api/metadata), and idempotency keys of up to 255.
const (
	metadataKey   = "onsale_payment" // Charge.Key
	metadataOrder = "onsale_order"   // Charge.Order
	metadataBirth = "onsale_birth"   // Charge.Birth
	metadataBuyer = "onsale_buyer"   // Charge.Buyer
)

func metadataOf(c payment.Charge) map[string]string {
	return map[string]string{metadataKey: c.Key, metadataOrder: c.Order, metadataBirth: c.Birth, metadataBuyer: c.Buyer}
}

// chargeSum stands for a charge where ids are remembered: all of it, so that no other charge
// under the same key gets its intent.
type chargeSum [sha256.Size]byte

func sumOf(c payment.Charge) chargeSum {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d %q", c.Key, c.Order, c.Birth, c.Buyer, c.Amount, c.Currency))
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

// keyLife is for how long after its first use an idempotency key is sure to be known. Stripe
// says 24 hours.
const keyLife = 23 * time.Hour

// locate returns the id of a charge's intent, and makes the intent, unconfirmed, when
// there is none: of an attempt of which nobody knows an outcome.
func (p *Provider) locate(ctx context.Context, c payment.Charge) (id string, err error) {
	if id, known := p.ids.Get(sumOf(c)); known {
		return id, nil
	}
	id, err = p.search(ctx, c)
	if err == nil && id == "" && c.Since != 0 && time.Since(time.Unix(0, c.Since)) > keyLife {
		id, err = p.scan(ctx, c) // a create under its key may be forgotten
	}
	if err != nil {
		return "", err
	}
	if id == "" {
		intent, err := p.create(ctx, c)
		if err != nil {
			return "", err
		}
		id = intent.ID
	}
	p.ids.Add(sumOf(c), id)
	return id, nil
}

// look returns the id of a charge's intent, "" when the account has none, and makes none: of
// a charge that was authorised once.
func (p *Provider) look(ctx context.Context, c payment.Charge) (id string, err error) {
	if id, known := p.ids.Get(sumOf(c)); known {
		return id, nil
	}
	id, err = p.search(ctx, c)
	if err == nil && id == "" {
		id, err = p.scan(ctx, c)
	}
	if err == nil && id != "" {
		p.ids.Add(sumOf(c), id)
	}
	return id, err
}

// clockSlack is by how much Stripe's clock and ours may differ.
const clockSlack = time.Hour

// scan returns the id of a charge's intent, "" when the account has none. It reads the list of
// all intents since the charge can have been made, the newest first: the list has no index
// that lags, as the search has. What was made a moment ago is on the first page.
func (p *Provider) scan(ctx context.Context, c payment.Charge) (id string, err error) {
	params := &stripego.PaymentIntentListParams{}
	params.Limit, params.Single = stripego.Int64(pageMax), true
	if c.Since != 0 {
		from := time.Unix(0, c.Since).Add(-clockSlack)
		params.CreatedRange = &stripego.RangeQueryParams{GreaterThanOrEqual: from.Unix()}
	}
	for {
		page := p.stripe.V1PaymentIntents.List(ctx, params)
		if page.Err() != nil {
			return "", describe(page.Err())
		}
		if id, err := match(c, page.Data()); id != "" || err != nil {
			return id, err
		}
		if !page.Meta().HasMore || len(page.Data()) == 0 {
			return "", nil
		}
		params.StartingAfter = &page.Data()[len(page.Data())-1].ID
	}
}

// match returns the id of the intent of a charge among some, "" when none of them has its key,
// and ErrConflict when every one that has is another's. One that moved money goes before
// one that never did: a second one can only have been made to ask.
func match(c payment.Charge, intents []*stripego.PaymentIntent) (id string, conflict error) {
	moved := false
	for _, intent := range intents {
		if intent.Metadata[metadataKey] != c.Key {
			continue
		}
		of := chargeOf(intent)
		if err := c.Conflict(&of); err != nil {
			conflict = err
			continue
		}
		moves := intent.AmountReceived > 0 || intent.Status == stripego.PaymentIntentStatusRequiresCapture
		if id == "" || moves && !moved {
			id, moved = intent.ID, moves
		}
	}
	if id != "" {
		return id, nil
	}
	return "", conflict
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

// searchMax bounds the intents of one key that are looked at. There is one, unless another
// system, or a cluster whose data folder was copied by hand, made more.
const searchMax = 10

// search returns the id of a charge's intent, as far as the search knows it; "" when it
// does not, ErrConflict when every intent under the key is another's.
func (p *Provider) search(ctx context.Context, c payment.Charge) (id string, err error) {
	intents, err := p.searchKey(ctx, c.Key)
	if err != nil {
		return "", err
	}
	return match(c, intents)
}

// searchKey returns the intents under a key, as far as the search knows them.
func (p *Provider) searchKey(ctx context.Context, key string) ([]*stripego.PaymentIntent, error) {
	params := &stripego.PaymentIntentSearchParams{SearchParams: stripego.SearchParams{
		Query: fmt.Sprintf("metadata[%q]:%q", metadataKey, key), Limit: stripego.Int64(searchMax), Single: true,
	}}
	found := p.stripe.V1PaymentIntents.Search(ctx, params)
	if found.Err() != nil {
		return nil, describe(found.Err())
	}
	var intents []*stripego.PaymentIntent
	for _, intent := range found.Data() {
		if intent.Metadata[metadataKey] == key {
			intents = append(intents, intent)
		}
	}
	return intents, nil
}

// fetch returns an intent with its newest charge; ErrConflict when it is about another
// charge than ours.
func (p *Provider) fetch(ctx context.Context, c payment.Charge, id string) (*stripego.PaymentIntent, error) {
	params := &stripego.PaymentIntentRetrieveParams{}
	params.AddExpand(expandRefunds)
	intent, err := p.stripe.V1PaymentIntents.Retrieve(ctx, id, params)
	if err != nil {
		return nil, describe(err)
	}
	found := chargeOf(intent)
	if err := c.Conflict(&found); err != nil {
		return nil, err
	}
	return intent, nil
}
