package stripe

import (
	"context"
	"fmt"
	"net/url"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
)

// asking returns what an intent means, with what its buyer must do.
func asking(i *stripego.PaymentIntent) payment.Status {
	status := statusOf(i)
	if failed := i.LastPaymentError; status.Phase == payment.Declined && failed != nil && failed.PaymentMethod != nil {
		status.Method = failed.PaymentMethod.ID
	}
	if status.Phase != payment.RequiresAction {
		return status
	}

	if i.PaymentMethod != nil {
		status.Method = i.PaymentMethod.ID
	}
	status.NextAction = &payment.NextAction{ClientSecret: i.ClientSecret}
	if next := i.NextAction; next != nil {
		status.NextAction.Type = string(next.Type)
		if next.RedirectToURL != nil {
			status.NextAction.RedirectURL = next.RedirectToURL.URL
		}
	}
	return status
}

// over returns how an intent stands that was fetched. A declined one may have a buyer who has
// its client secret, and could confirm it with another card although its attempt is over: it
// is cancelled first.
func (p *Provider) over(ctx context.Context, i *stripego.PaymentIntent) (payment.Status, error) {
	status := asking(i)
	if status.Phase != payment.Declined || i.Status == stripego.PaymentIntentStatusCanceled {
		return status, nil
	}
	if err := p.void(ctx, i.ID); err != nil {
		return payment.Status{}, describe(err) // somebody was faster: it is asked again
	}
	return status, nil
}

// orderParameter is what a return URL says beside what Stripe adds to it.
const orderParameter = "order"

// returnURL returns where a bank sends the buyer of an order back to.
func returnURL(to, order string) string {
	parsed, err := url.Parse(to)
	if err != nil {
		panic(err) // it was checked
	}
	query := parsed.Query()
	query.Set(orderParameter, order)
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

func checkReturnURL(to string) error {
	if parsed, err := url.Parse(to); to != "" && (err != nil || parsed.Scheme == "" || parsed.Host == "" || parsed.Fragment != "") {
		return fmt.Errorf("%w: the return URL %q is no https://HOST/PATH", ErrConfig, to)
	}
	return nil
}
