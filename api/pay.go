package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/payment"
	"onsale/sequencer"
)

// paymentPath is where orders are paid, and webhookPath where the payment provider's
// webhooks come: its name follows.
const (
	paymentPath = "/v1/tickets/payment"
	webhookPath = "/v1/payments/webhook/"
)

// takesBody reports whether a request may have a body.
func takesBody(method, path string) bool {
	return method == fasthttp.MethodPost && (path == paymentPath || strings.HasPrefix(path, webhookPath))
}

// webhookBodies lets webhooks have larger bodies than buyers'.
func (p *Public) webhookBodies(header *fasthttp.RequestHeader) (own fasthttp.RequestConfig) {
	own.MaxRequestBodySize = p.bodyBytesMax(header.RequestURI())
	return own
}

// bodyBytesMax bounds the body of a request to a path.
func (p *Public) bodyBytesMax(path []byte) int {
	if strings.HasPrefix(strict.AsString(path), webhookPath) {
		return p.config.WebhookBytesMax
	}
	return p.config.BodyBytesMax
}

// pay answers POST /v1/tickets/payment. The order's own state keeps it from being
// paid twice, whoever asks how often: no idempotency key is needed. What costs nothing needs
// no method; whether it does is the leader's to say.
func (p *Public) pay(r *request) error {
	if err := p.buyer(r, strict.Pretty); err != nil {
		return err
	}
	wanted, err := r.paymentRequest()
	if err != nil {
		return err
	}
	at, err := contract.PlaceOf([]byte(wanted.Order))
	if err != nil {
		return err
	}
	cluster, err := p.clusterOf(at)
	if err != nil {
		return err
	}
	if cluster.Payments == nil {
		return payment.ErrOff
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.config.PayWait)
	defer cancel()
	user, err := p.payer(ctx, r, cluster, at)
	if err != nil {
		return err
	}
	answer, err := cluster.Payments.Pay(ctx, payment.Request{Order: at.Seq, Sale: at.Sale, User: string(user), Method: wanted.Method})
	if errors.Is(err, sequencer.ErrOutcomeUnknown) {
		return contract.NewProblem(contract.OutcomeUnknown, "a payment may be under way; ask for the order, or pay again: an order is never charged twice")
	}
	if errors.Is(err, payment.ErrMethod) {
		return contract.BadParameter("method", "the order costs money: give the provider's token of a means of payment")
	}
	if err != nil {
		return err
	}
	if answer.Code == sequencer.CodeUnknownOrder {
		return contract.NewProblem(contract.UnknownOrder, "you have no such order")
	}
	p.recent.told(cluster.Number, r.who.User, &sequencer.Result{Seq: answer.Seq, Order: at.Seq})
	return r.answerPayment(&answer, wanted.Order)
}

// Who waits for an outcome asks again in so many seconds: when the provider will have been asked, or in
// a minute when that takes longer.
const retryPaymentMin, retryPaymentMax = 2, 60

func (r *request) answerPayment(answer *payment.Answer, uid string) error {
	body, pending := contract.PaymentOf(answer, uid)
	status := 200
	switch {
	case pending:
		status, r.outcome = 202, outcomePending
		r.ctx.Response.Header.Set("Retry-After", strconv.FormatUint(min(max(body.WaitSeconds, retryPaymentMin), retryPaymentMax), 10))
	case body.Status == contract.PaymentAccepted:
		r.outcome = outcomePaid
	default:
		r.outcome = outcomeRejected
	}
	r.sendJSON(status, contract.DecisionMediaType, &body)
	return nil
}

// paymentRequest reads the body: one JSON object whose every field is known.
func (r *request) paymentRequest() (wanted contract.PaymentRequest, err error) {
	if err := strict.CheckJSON(string(r.header.ContentType)); err != nil {
		return wanted, err
	}
	if err := strict.DecodeJSON(r.ctx.Request.Body(), &wanted); err != nil {
		return wanted, err
	}
	if wanted.Order == "" {
		return wanted, contract.BadParameter("order", "order must be an order's uid")
	}
	if bad := len(wanted.Method) > contract.MethodBytesMax || strings.ContainsFunc(wanted.Method, notPrintable); bad {
		return wanted, contract.BadParameter("method", fmt.Sprintf("method must be at most %d printable ASCII characters", contract.MethodBytesMax))
	}
	return wanted, nil
}

func notPrintable(c rune) bool { return c <= 0x20 || c > 0x7e }

// webhook answers POST /v1/payments/webhook/{provider}: the signature is the token. It
// goes to every cluster, because only the leaders know whose charge it is about.
func (p *Public) webhook(r *request) error {
	if problem := r.query.Read(r.raw, 0); problem != nil {
		return problem
	}
	clusters, taken := p.clusters.Clusters(), false
	for i := range clusters {
		if clusters[i].Payments == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), p.config.ReadWait)
		err := clusters[i].Payments.Notice(ctx, r.segment("provider"), string(r.header.Signature), r.ctx.Request.Body())
		cancel()
		if err != nil {
			return err
		}
		taken = true
	}
	if !taken {
		return payment.ErrOff
	}
	r.ctx.Response.SetStatusCode(204)
	return nil
}
