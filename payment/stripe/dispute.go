package stripe

import (
	"context"
	"errors"
	"net/http"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
	"onsale/sequencer"
)

// disputed returns which charge a webhook's dispute is about; none of ours when the account
// does not know its intent.
func (p *Provider) disputed(ctx context.Context, dispute map[string]any) (payment.Notice, error) {
	id, _ := dispute["payment_intent"].(string)
	if id == "" {
		return payment.Notice{}, nil
	}
	intent, err := p.stripe.V1PaymentIntents.Retrieve(ctx, id, nil)
	var refusal *stripego.Error
	if errors.As(err, &refusal) && refusal.HTTPStatusCode == http.StatusNotFound {
		return payment.Notice{}, nil
	}
	if err != nil {
		return payment.Notice{}, describe(err)
	}
	return payment.Notice{Key: intent.Metadata[metadataKey], Disputed: true}, nil
}

// disputesMax bounds the disputes of one intent that are looked at. A charge has one, more than
// one in rare cases.
const disputesMax = 10

// disputeOf returns how the newest dispute of an intent stands that is not decided, or else the
// newest. A charge says no more than that there is or was one.
func (p *Provider) disputeOf(ctx context.Context, i *stripego.PaymentIntent) (is sequencer.Dispute, err error) {
	if i.LatestCharge == nil || !i.LatestCharge.Disputed {
		return is, nil
	}
	params := &stripego.DisputeListParams{PaymentIntent: &i.ID}
	params.Limit, params.Single = stripego.Int64(disputesMax), true
	found := p.stripe.V1Disputes.List(ctx, params)
	if found.Err() != nil {
		return is, describe(found.Err())
	}
	for _, d := range found.Data() { // the newest first
		told := disputeIn(d)
		if is.Status == sequencer.DisputeNone || isDecided(is.Status) && !isDecided(told.Status) {
			is = told
		}
	}
	return is, nil
}

func isDecided(s sequencer.DisputeStatus) bool {
	return s == sequencer.DisputeWon || s == sequencer.DisputeLost
}

// disputeIn returns what a dispute means. An inquiry (warning_…), which may become a dispute, wants
// an answer all the same.
func disputeIn(d *stripego.Dispute) sequencer.Dispute {
	is := sequencer.Dispute{Status: sequencer.DisputeUnderReview, Amount: fromStripe(d.Amount, currencyOf(string(d.Currency)))}
	switch d.Status {
	case stripego.DisputeStatusNeedsResponse, stripego.DisputeStatusWarningNeedsResponse:
		is.Status = sequencer.DisputeNeedsResponse
	case stripego.DisputeStatusWon, stripego.DisputeStatusWarningClosed, stripego.DisputeStatusPrevented:
		is.Status = sequencer.DisputeWon
	case stripego.DisputeStatusLost:
		is.Status = sequencer.DisputeLost
	}
	if d.EvidenceDetails != nil && d.EvidenceDetails.DueBy > 0 {
		is.EvidenceBy = d.EvidenceDetails.DueBy * int64(time.Second)
	}
	return is
}
