package fake

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// intent is a PaymentIntent.
type intent struct {
	ID, Status, Currency string
	Amount, Received     int64
	Metadata             map[string]string
	Created              int64
	method               string // the payment method that is attached
	lastError            map[string]any
	nextAction           map[string]any
	charge               *charge // the newest
	authorisations       int
	searchable           bool
	locked               bool
	double               bool // webhooks come twice
	// The first refund fails so much later, and the charge is disputed so much after its capture; 0 for never.
	bounceAfter, disputeAfter time.Duration
}

// secretMark is what the client secret of an intent has behind its id.
const secretMark = "_secret_fake"

// charge is one attempt of an intent to move money.
type charge struct {
	id               string
	captured, failed bool
	refunded         int64
	refunds          []*refund  // the newest last
	refusal          string     // the code with which every refund is refused
	disputes         []*dispute // the newest last
}

// refund is one of a charge.
type refund struct {
	id, status, failure string
	amount              int64
	metadata            map[string]string
}

func (r *refund) show() map[string]any {
	body := map[string]any{"id": r.id, "object": "refund", "amount": r.amount, "status": r.status, "metadata": r.metadata}
	if r.failure != "" {
		body["failure_reason"] = r.failure
	}
	return body
}

// Intent is how an intent stands, for tests.
type Intent struct {
	ID, Status         string
	Key                string // metadata onsale_payment
	Amount             int64
	Received, Refunded int64
	Authorisations     int // how often money was reserved
}

// Intents returns all of them, in the order of creation.
func (f *Fake) Intents() []Intent {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Intent, 0, len(f.intents))
	for _, i := range f.intents {
		shown := Intent{ID: i.ID, Status: i.Status, Key: i.Metadata["onsale_payment"], Amount: i.Amount, Received: i.Received, Authorisations: i.authorisations}
		if i.charge != nil {
			shown.Refunded = i.charge.refunded
		}
		all = append(all, shown)
	}
	return all
}

// newID returns an id of a kind. The caller holds the lock.
func (f *Fake) newID(kind string) string {
	f.numbers++
	return fmt.Sprintf("%s_fake%08d", kind, f.numbers)
}

// show returns an intent as JSON.
func (i *intent) show(expanded bool) map[string]any {
	capturable := int64(0)
	if i.Status == "requires_capture" {
		capturable = i.Amount
	}
	body := map[string]any{
		"id": i.ID, "object": "payment_intent", "status": i.Status, "amount": i.Amount, "amount_capturable": capturable, "amount_received": i.Received,
		"currency": i.Currency, "metadata": i.Metadata, "created": i.Created, "capture_method": "manual", "client_secret": i.ID + secretMark,
		"last_payment_error": nil, "latest_charge": nil, "next_action": nil, "payment_method": nil,
	}
	if i.nextAction != nil {
		body["next_action"] = i.nextAction
	}
	if i.method != "" {
		body["payment_method"] = i.method
	}
	if i.lastError != nil {
		body["last_payment_error"] = i.lastError
	}
	if i.charge != nil {
		body["latest_charge"] = i.charge.id
		if expanded {
			body["latest_charge"] = map[string]any{
				"id": i.charge.id, "object": "charge", "amount": i.Amount, "captured": i.charge.captured, "metadata": i.Metadata,
				"disputed": len(i.charge.disputes) > 0, "refunded": i.charge.refunded == i.Amount, "amount_captured": i.Received, "amount_refunded": i.charge.refunded,
				"refunds": map[string]any{"object": "list", "has_more": false, "url": "/v1/refunds", "data": i.charge.showRefunds()},
			}
		}
	}
	return body
}

// showRefunds returns the refunds, the newest first.
func (c *charge) showRefunds() []any {
	all := []any{}
	for _, r := range slices.Backward(c.refunds) {
		all = append(all, r.show())
	}
	return all
}

// known are the parameters of each step.
var known = map[Step][]string{
	StepCreate:   {"amount", "currency", "metadata[onsale_payment]", "metadata[onsale_order]", "metadata[onsale_birth]", "metadata[onsale_buyer]", "description", "capture_method", "payment_method_types[0]"},
	StepConfirm:  {"payment_method", "use_stripe_sdk", "return_url"},
	StepRetrieve: {"expand[0]"},
	StepRefund:   {"payment_intent", "amount", "metadata[onsale_refund]", "metadata[onsale_part]", "metadata[onsale_payment]", "metadata[onsale_order]", "metadata[onsale_birth]", "metadata[onsale_buyer]"},
	StepCapture:  {"amount_to_capture"},
	StepRefunds:  {"payment_intent", "limit", "starting_after"},
	StepList:     {"limit", "starting_after", "expand[0]", "created[gte]"},
	StepSearch:   {"query", "limit"},
	StepDisputes: {"payment_intent", "limit"},
	StepAccount:  {},
}

// do does what a request asks for. The caller holds the lock.
func (f *Fake) do(r *request) answer {
	for name := range r.form {
		if !slices.Contains(known[r.step], name) {
			return failure(http.StatusBadRequest, "invalid_request_error", "parameter_unknown", name, "unknown parameter: "+name)
		}
	}
	switch r.step {
	case StepCreate:
		return f.create(r)
	case StepList:
		return f.list(r)
	case StepSearch:
		return f.search(r)
	case StepAccount:
		return answer{status: http.StatusOK, body: map[string]string{"object": "account", "id": f.config.Account}}
	case StepRefund, StepRefunds, StepDisputes:
		r.id = r.form.Get("payment_intent")
	}
	i := f.byID[r.id]
	switch {
	case i == nil:
		return failure(http.StatusNotFound, "invalid_request_error", "resource_missing", "intent", "no such payment_intent")
	case r.step == StepDisputes:
		return i.listDisputes()
	case r.step == StepRetrieve:
		return answer{status: http.StatusOK, body: i.show(r.form.Get("expand[0]") == "latest_charge.refunds")}
	case r.step == StepRefunds:
		return f.refundsOf(i, r)
	case i.locked:
		return lockTimeout()
	}
	switch r.step {
	case StepConfirm:
		return f.confirm(i, r)
	case StepCapture:
		return f.capture(i, r)
	case StepCancel:
		return f.cancel(i)
	}
	return f.refund(i, r)
}

// amountMin is Stripe's smallest amount, more or less.
const amountMin = 50

// Stripe's bounds of texts, in characters.
const (
	metadataNameMax  = 40
	metadataValueMax = 500
	keyMax           = 255 // of an idempotency key
)

func (f *Fake) create(r *request) answer {
	amount, err := strconv.ParseInt(r.form.Get("amount"), 10, 64)
	currency := r.form.Get("currency")
	switch {
	case err != nil || amount < 1:
		return failure(http.StatusBadRequest, "invalid_request_error", "parameter_invalid_integer", "amount", "invalid amount")
	case amount < amountMin:
		return failure(http.StatusBadRequest, "invalid_request_error", "amount_too_small", "amount", "amount too small")
	case len(currency) != 3 || currency != strings.ToLower(currency):
		return failure(http.StatusBadRequest, "invalid_request_error", "", "currency", "invalid currency")
	case r.form.Get("capture_method") != "manual" || r.form.Get("payment_method_types[0]") != "card":
		return failure(http.StatusBadRequest, "invalid_request_error", "", "", "this fake knows cards and manual capture only")
	}
	i := &intent{ID: f.newID("pi"), Status: "requires_payment_method", Amount: amount, Currency: currency, Created: f.config.Clock().Unix(), Metadata: map[string]string{}}
	for _, name := range []string{"onsale_payment", "onsale_order", "onsale_birth", "onsale_buyer"} {
		value := r.form.Get("metadata[" + name + "]")
		if len(name) > metadataNameMax || len(value) > metadataValueMax {
			return failure(http.StatusBadRequest, "invalid_request_error", "", "metadata", "too long metadata")
		}
		i.Metadata[name] = value
	}
	f.intents = append(f.intents, i)
	f.byID[i.ID] = i
	f.notify(i, "payment_intent.created")
	return answer{status: http.StatusOK, body: i.show(false)}
}

// unexpected refuses a step that the intent's state does not allow.
func unexpected(i *intent) answer {
	a := failure(http.StatusBadRequest, "invalid_request_error", "payment_intent_unexpected_state", "", "this PaymentIntent has status "+i.Status)
	a.unsaved = false // it was under way when it was found
	return a
}

func (f *Fake) capture(i *intent, r *request) answer {
	if i.Status != "requires_capture" {
		return unexpected(i)
	}
	amount, err := strconv.ParseInt(r.form.Get("amount_to_capture"), 10, 64)
	if err != nil {
		amount = i.Amount
	}
	if amount < 1 || amount > i.Amount {
		return failure(http.StatusBadRequest, "invalid_request_error", "amount_too_large", "amount_to_capture", "more than is reserved")
	}
	i.Status, i.Received, i.charge.captured = "succeeded", amount, true
	if released := i.Amount - amount; released > 0 { // which counts as refunded
		i.charge.refunded = released
		i.charge.refunds = append(i.charge.refunds, &refund{id: f.newID("re"), status: "succeeded", amount: released, metadata: map[string]string{}})
	}
	f.notify(i, "payment_intent.succeeded")
	key := i.Metadata["onsale_payment"]
	f.later(i.disputeAfter, func() { f.Dispute(key, "needs_response") })
	return answer{status: http.StatusOK, body: i.show(false)}
}

func (f *Fake) cancel(i *intent) answer {
	if i.Status == "succeeded" || i.Status == "canceled" {
		return unexpected(i)
	}
	i.Status, i.nextAction = "canceled", nil
	f.notify(i, "payment_intent.canceled")
	return answer{status: http.StatusOK, body: i.show(false)}
}

func (f *Fake) refund(i *intent, r *request) answer {
	if i.Status != "succeeded" {
		return failure(http.StatusBadRequest, "invalid_request_error", "", "payment_intent", "it has no successful charge")
	}
	if i.charge.refusal != "" {
		return failure(http.StatusBadRequest, "invalid_request_error", i.charge.refusal, "", "it cannot be refunded")
	}
	if i.charge.isDisputed() {
		return failure(http.StatusBadRequest, "invalid_request_error", "charge_disputed", "", "it is disputed")
	}
	left := i.Amount - i.charge.refunded
	if left == 0 {
		return failure(http.StatusBadRequest, "invalid_request_error", "charge_already_refunded", "", "it was refunded")
	}
	if amount, err := strconv.ParseInt(r.form.Get("amount"), 10, 64); err == nil {
		if amount < 1 || amount > left {
			return failure(http.StatusBadRequest, "invalid_request_error", "", "amount", "more than is left")
		}
		left = amount
	}
	i.charge.refunded += left
	made := &refund{id: f.newID("re"), status: "succeeded", amount: left, metadata: map[string]string{}}
	for _, name := range []string{"onsale_refund", "onsale_part", "onsale_payment"} {
		if value := r.form.Get("metadata[" + name + "]"); value != "" {
			made.metadata[name] = value
		}
	}
	i.charge.refunds = append(i.charge.refunds, made)
	f.notify(i, "charge.refunded")
	f.later(i.bounceAfter, func() { f.failRefund(i, made, "expired_or_canceled_card") })
	i.bounceAfter = 0
	return answer{status: http.StatusOK, body: made.show()}
}
