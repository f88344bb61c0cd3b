package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"onsale/api/contract"
	"onsale/payment"
	"onsale/sequencer"
)

// booksTimeout bounds reading all of the provider's books: Stripe gives 100 charges in an
// answer, so 100,000 are a thousand requests, and two rounds when something differs.
const booksTimeout = 15 * time.Minute

// patiently gives a handler that reads the provider's books its time.
func (p *Private) patiently(x *exchange) (context.Context, context.CancelFunc, error) {
	if p.payments == nil {
		return nil, nil, payment.ErrOff
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), booksTimeout)
	// A writer without deadlines, of a test, needs none.
	_ = http.NewResponseController(x.writer).SetWriteDeadline(time.Now().Add(booksTimeout + privateWriteTimeout))
	return ctx, cancel, nil
}

// reconcile answers GET /v1/payments/reconciliation: the provider's books against the
// orders. It may take a while: all of both are read.
func (p *Private) reconcile(x *exchange) error {
	ctx, cancel, err := p.patiently(x)
	if err != nil {
		return err
	}
	defer cancel()
	found, err := p.payments.Reconcile(ctx)
	if err != nil {
		return err
	}
	return x.ok(found)
}

// orphans answers GET /v1/payments/orphans: charges of orders that are not here. All of the
// books are read.
func (p *Private) orphans(x *exchange) error {
	ctx, cancel, err := p.patiently(x)
	if err != nil {
		return err
	}
	defer cancel()
	found, err := p.payments.Orphans(ctx)
	if err != nil {
		return err
	}
	return x.ok(found)
}

// disputes answers GET /v1/payments/disputes.
func (p *Private) disputes(x *exchange) error {
	if p.payments == nil {
		return payment.ErrOff
	}
	ctx, cancel := context.WithTimeout(x.request.Context(), p.config.ReadWait)
	defer cancel()
	found, err := p.payments.Disputes(ctx)
	if err != nil {
		return err
	}
	own := *found // what others are told too is not changed
	own.Disputes = []payment.DisputeView{}
	for _, is := range found.Disputes {
		if p.hasOrder(x, is.Order) {
			own.Disputes = append(own.Disputes, is)
		}
	}
	return x.ok(&own)
}

// refundOrphan answers POST /v1/payments/orphans/refund. It may be repeated.
func (p *Private) refundOrphan(x *exchange) error {
	var wanted contract.OrphanToRefund
	if err := x.decode(&wanted); err != nil {
		return err
	}
	if _, err := sequencer.ParsePaymentRef([]byte(wanted.Payment)); err != nil {
		return contract.BadParameter("payment", "payment must be the key of a charge, as the orphans have it")
	}
	if !isReason(wanted.Reason) {
		return badReason()
	}
	ctx, cancel, err := p.patiently(x)
	if err != nil {
		return err
	}
	defer cancel()
	record, err := p.payments.RefundOrphan(ctx, payment.RefundRequest{Key: wanted.Payment, Reason: wanted.Reason, Actor: string(x.actor)})
	if err != nil {
		return err
	}
	return x.ok(record)
}

func badReason() error {
	return contract.BadParameter("reason", fmt.Sprintf("reason must be 1 to %d bytes of printable text", contract.ReasonBytesMax))
}

func isReason(text string) bool {
	return len(text) > 0 && len(text) <= contract.ReasonBytesMax && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}
