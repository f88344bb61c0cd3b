package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
	"onsale/sequencer"
)

// statusOf returns what an intent means. An intent that nobody tried to confirm is
// Unknown: it was made to ask.
func statusOf(i *stripego.PaymentIntent) payment.Status {
	switch i.Status {
	case stripego.PaymentIntentStatusRequiresCapture:
		return payment.Status{Phase: payment.Authorised}
	case stripego.PaymentIntentStatusSucceeded:
		return refundedStatus(i)
	case stripego.PaymentIntentStatusRequiresAction:
		return payment.Status{Phase: payment.RequiresAction}
	case stripego.PaymentIntentStatusCanceled:
		if i.LastPaymentError != nil { // cancelled because it was declined
			return payment.Status{Phase: payment.Declined, Reason: reasonOf(i.LastPaymentError)}
		}
		return payment.Status{Phase: payment.Cancelled}
	case stripego.PaymentIntentStatusRequiresPaymentMethod:
		if i.LastPaymentError != nil {
			return payment.Status{Phase: payment.Declined, Reason: reasonOf(i.LastPaymentError)}
		}
		return payment.Status{Phase: payment.Unknown}
	}
	return payment.Status{Phase: payment.Processing}
}

// chargeOf returns the charge that an intent is about.
func chargeOf(i *stripego.PaymentIntent) payment.Charge {
	currency := currencyOf(string(i.Currency))
	return payment.Charge{
		Key: i.Metadata[metadataKey], Order: i.Metadata[metadataOrder], Birth: i.Metadata[metadataBirth], Buyer: i.Metadata[metadataBuyer],
		Amount: fromStripe(i.Amount, currency), Currency: currency,
	}
}

// currencyOf spells a currency as ISO 4217 does.
func currencyOf(theirs string) string { return strings.ToUpper(theirs) }

// reasons are by decline code or error code (https://docs.stripe.com/declines/codes);
// every other one is a decline without a reason that the buyer could act upon.
var reasons = map[string]sequencer.PayReason{
	"insufficient_funds":                    sequencer.ReasonInsufficientFunds,
	"expired_card":                          sequencer.ReasonExpiredMethod,
	"incorrect_address":                     sequencer.ReasonWrongDetails,
	"incorrect_cvc":                         sequencer.ReasonWrongDetails,
	"incorrect_number":                      sequencer.ReasonWrongDetails,
	"incorrect_pin":                         sequencer.ReasonWrongDetails,
	"incorrect_zip":                         sequencer.ReasonWrongDetails,
	"invalid_cvc":                           sequencer.ReasonWrongDetails,
	"invalid_expiry_month":                  sequencer.ReasonWrongDetails,
	"invalid_expiry_year":                   sequencer.ReasonWrongDetails,
	"invalid_number":                        sequencer.ReasonWrongDetails,
	"invalid_pin":                           sequencer.ReasonWrongDetails,
	"authentication_required":               sequencer.ReasonAuthenticationRequired,
	"authentication_not_handled":            sequencer.ReasonAuthenticationRequired,
	"requires_action_not_handled":           sequencer.ReasonAuthenticationRequired,
	"payment_intent_action_required":        sequencer.ReasonAuthenticationRequired,
	"payment_intent_authentication_failure": sequencer.ReasonAuthenticationRequired,
	"card_velocity_exceeded":                sequencer.ReasonLimitExceeded,
	"withdrawal_count_limit_exceeded":       sequencer.ReasonLimitExceeded,
}

// reasonOf says why a card was declined.
func reasonOf(err error) sequencer.PayReason {
	var refusal *stripego.Error
	if !errors.As(err, &refusal) {
		return sequencer.ReasonDeclined
	}
	for _, code := range []string{string(refusal.DeclineCode), string(refusal.Code)} {
		if reason, known := reasons[code]; known {
			return reason
		}
	}
	return sequencer.ReasonDeclined
}

// isDecline reports whether the card, not the request, was refused.
func isDecline(err error) bool {
	var refusal *stripego.Error
	return errors.As(err, &refusal) && refusal.Type == stripego.ErrorTypeCard && refusal.HTTPStatusCode == http.StatusPaymentRequired
}

// isMethodError reports whether the payment method is not one that can be used.
func isMethodError(err error) bool {
	var refusal *stripego.Error
	return errors.As(err, &refusal) && refusal.Type == stripego.ErrorTypeInvalidRequest && refusal.HTTPStatusCode < http.StatusInternalServerError &&
		(refusal.Param == "payment_method" || strings.HasPrefix(string(refusal.Code), "payment_method_") ||
			refusal.Code == stripego.ErrorCodePaymentIntentIncompatiblePaymentMethod)
}

// isOutrun reports whether another step was faster: the intent is no longer where it
// was, or is confirmed under the same key with another method.
func isOutrun(err error) bool {
	var refusal *stripego.Error
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code {
	case stripego.ErrorCodePaymentIntentUnexpectedState, stripego.ErrorCodeChargeAlreadyCaptured, stripego.ErrorCodeChargeAlreadyRefunded:
		return true
	}
	return refusal.Type == stripego.ErrorTypeIdempotency && refusal.Code != stripego.ErrorCodeIdempotencyKeyInUse
}

// describe keeps of an error what may be logged: Stripe's own text has the intent with
// its client secret and the payment method.
func describe(err error) error {
	var refusal *stripego.Error
	if !errors.As(err, &refusal) {
		return err
	}
	if refusal.HTTPStatusCode == http.StatusTooManyRequests {
		return throttled(refusal)
	}
	return fmt.Errorf("stripe: %d %s %s, request %s: %s", refusal.HTTPStatusCode, refusal.Type, refusal.Code, refusal.RequestID, refusal.Msg)
}

// throttled returns a 429 as what it says: that requests come too fast, or that another one has
// the intent, which is nothing of the rate.
func throttled(refusal *stripego.Error) error {
	why := fmt.Errorf("stripe: %s, request %s", refusal.Code, refusal.RequestID)
	if refusal.Code == stripego.ErrorCodeLockTimeout {
		return fmt.Errorf("%w: %w", payment.ErrThrottled, why)
	}
	t := &payment.Throttled{Err: why}
	if refusal.LastResponse != nil {
		t.After = payment.RetryAfter(refusal.LastResponse.Header.Get("Retry-After"), time.Now())
	}
	return t
}
