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

// authenticationRequired is the test method of a bank that wants 3-D Secure.
const authenticationRequired = "pm_card_authenticationRequired"

// confirm tries to reserve the money. The caller holds the lock.
func (f *Fake) confirm(i *intent, r *request) answer {
	method := r.form.Get("payment_method")
	decline, declined := declines[method]
	wantsAction := method == authenticationRequired
	switch {
	case i.Status != "requires_payment_method":
		return unexpected(i)
	case !declined && !wantsAction && method != "pm_card_visa" && !strings.HasPrefix(method, "pm_fake_"):
		return failure(http.StatusBadRequest, "invalid_request_error", "resource_missing", "payment_method", "no such PaymentMethod: "+method)
	case wantsAction && r.form.Get("error_on_requires_action") != "true":
		i.Status = "requires_action"
		return answer{status: http.StatusOK, body: i.show(false)}
	case wantsAction:
		return f.decline(i, [2]string{"authentication_required", "authentication_required"})
	case declined:
		i.charge = &charge{id: f.newID("ch"), failed: true}
		return f.decline(i, decline)
	case method == "pm_fake_processing":
		i.Status = "processing"
		return answer{status: http.StatusOK, body: i.show(false)}
	}
	i.double = method == "pm_fake_double_webhook"
	i.Status, i.charge, i.lastError = "requires_capture", &charge{id: f.newID("ch")}, nil
	i.authorisations++
	f.notify(i, "payment_intent.amount_capturable_updated")
	return answer{status: http.StatusOK, body: i.show(false)}
}

func (f *Fake) decline(i *intent, codes [2]string) answer {
	i.lastError = map[string]any{"type": "card_error", "code": codes[0], "message": "your card was declined"}
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
