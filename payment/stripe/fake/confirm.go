package fake

import (
	"net/http"
	"strings"
)

// declines are the test methods that a bank declines, with error code and decline code
// (https://docs.stripe.com/testing).
var declines = map[string][2]string{
	"pm_card_visa_chargeDeclined":                      {"card_declined", "generic_decline"},
	"pm_card_visa_chargeDeclinedInsufficientFunds":     {"card_declined", "insufficient_funds"},
	"pm_card_visa_chargeDeclinedVelocityLimitExceeded": {"card_declined", "card_velocity_exceeded"},
	"pm_card_chargeDeclinedExpiredCard":                {"expired_card", ""},
	"pm_card_chargeDeclinedIncorrectCvc":               {"incorrect_cvc", ""},
	"pm_card_chargeDeclinedProcessingError":            {"processing_error", ""},
}

// authenticationRequired is the test method of a bank that wants 3-D Secure, with a card of
// which an off-session payment is declined; it is asked as the others are here.
const authenticationRequired = "pm_card_authenticationRequired"

// challenges are the test methods of banks that want 3-D Secure, and what comes of it when the
// buyer authenticates.
var challenges = map[string][2]string{
	authenticationRequired:                       {},
	"pm_card_threeDSecure2Required":              {},
	"pm_card_threeDSecureRequiredChargeDeclined": {"card_declined", "generic_decline"},
}

// confirm tries to reserve the money. The caller holds the lock.
func (f *Fake) confirm(i *intent, r *request) answer {
	method := r.form.Get("payment_method")
	decline, declined := declines[method]
	_, wantsAction := challenges[method]
	switch {
	case i.Status != "requires_payment_method":
		return unexpected(i)
	case !declined && !wantsAction && method != "pm_card_visa" && !strings.HasPrefix(method, "pm_fake_"):
		return failure(http.StatusBadRequest, "invalid_request_error", "resource_missing", "payment_method", "no such PaymentMethod: "+method)
	}
	i.method, i.lastError = method, nil
	switch {
	case wantsAction:
		i.Status = "requires_action"
		i.nextAction = nextAction(i, r)
		f.notify(i, "payment_intent.requires_action")
		return answer{status: http.StatusOK, body: i.show(false)}
	case declined:
		i.charge = &charge{id: f.newID("ch"), failed: true}
		return f.decline(i, decline)
	case method == "pm_fake_processing":
		i.Status = "processing"
		return answer{status: http.StatusOK, body: i.show(false)}
	}
	i.double = method == "pm_fake_double_webhook"
	i.bounceAfter, _ = delayOf(method, "pm_fake_refund_fails_")
	i.disputeAfter, _ = delayOf(method, "pm_fake_disputed_")
	f.reserve(i)
	return answer{status: http.StatusOK, body: i.show(false)}
}

// reserve reserves an intent's money. The caller holds the lock.
func (f *Fake) reserve(i *intent) {
	i.Status, i.charge, i.lastError, i.nextAction = "requires_capture", &charge{id: f.newID("ch")}, nil, nil
	i.authorisations++
	f.notify(i, "payment_intent.amount_capturable_updated")
}

// nextAction is what the buyer must do: on the bank's page when there is a way back, else by
// Stripe's own library.
func nextAction(i *intent, r *request) map[string]any {
	if back := r.form.Get("return_url"); back != "" {
		return map[string]any{"type": "redirect_to_url", "redirect_to_url": map[string]any{"return_url": back, "url": "https://hooks.example/3ds/" + i.ID}}
	}
	return map[string]any{"type": "use_stripe_sdk", "use_stripe_sdk": map[string]any{"type": "three_d_secure_redirect"}}
}

func (f *Fake) decline(i *intent, codes [2]string) answer {
	i.lastError = map[string]any{"type": "card_error", "code": codes[0], "message": "your card was declined", "payment_method": map[string]any{"id": i.method, "object": "payment_method"}}
	i.method = ""
	if codes[1] != "" {
		i.lastError["decline_code"] = codes[1]
	}
	f.notify(i, "payment_intent.payment_failed")
	fields := map[string]any{"payment_intent": i.show(false)}
	for name, value := range i.lastError {
		fields[name] = value
	}
	return answer{status: http.StatusPaymentRequired, body: map[string]any{"error": fields}}
}
