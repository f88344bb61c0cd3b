// Package fake is Stripe as far as onsale speaks to it, to be tested against: an HTTP
// handler with PaymentIntents, charges, refunds, idempotency keys, lists, a search that
// lags, signed webhooks, and bad days on demand (Fault). It is written from Stripe's
// documentation and shares nothing with the library that speaks to it. Other parameters
// than those that it knows are refused, so that none is sent in vain.
//
// What a payment method does, beside Stripe's own names for tests (pm_card_visa,
// pm_card_visa_chargeDeclined, pm_card_authenticationRequired, …):
//
//	pm_fake_delay_NNNms      the bank takes so long; nothing else is done meanwhile
//	pm_fake_lost             authorised, and the answer is lost
//	pm_fake_late_NNNms       no answer; the request arrives so much later
//	pm_fake_error            authorised, and answered with an error 500
//	pm_fake_processing       no outcome, ever
//	pm_fake_double_webhook   authorised, and every webhook comes twice
//	pm_fake_refund_fails_NNNms  authorised, and its first refund fails so much later
//	pm_fake_disputed_NNNms   authorised, and disputed so much after its capture
package fake
