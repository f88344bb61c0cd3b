package client

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"onsale/api/contract"
)

// What is decided may have an outcome that comes later: the provider's word about a payment,
// money that goes back. These calls ask until it is there.

const (
	// pollSeconds is how long a server is asked to wait for a change of an order.
	pollSeconds = 20
	// askAgain is the pause after an answer that names none.
	askAgain = time.Second
)

// errNotModified is returned for an answer that says that nothing has changed.
var errNotModified = errors.New("not modified")

// AwaitOrder asks for one of the caller's orders until it is as wanted, and returns it, or, when
// ctx ends, as it was seen last, nil for never, with ctx's error. What may pass, such as no
// leader or no connection, is asked again.
func (c *Client) AwaitOrder(ctx context.Context, uid string, wanted func(*contract.Order) bool) (*contract.Order, error) {
	patient, tag := c.connection.patient(), ""
	return await(ctx, wanted, func() (*contract.Order, error) {
		order := new(contract.Order)
		header, err := patient.do(ctx, call{method: http.MethodGet, path: contract.CallbackPrefix + segment(uid),
			query: url.Values{"wait": {strconv.Itoa(pollSeconds) + "s"}}, ifNoneMatch: tag, into: order})
		if err == nil {
			tag = header.Get("ETag")
		}
		return order, err
	})
}

// Refund returns an order of any buyer's, which says where its money is.
func (s *Seller) Refund(ctx context.Context, uid string) (*contract.Order, error) {
	return get[contract.Order](ctx, s.connection, contract.CallbackPrefix+segment(uid)+"/refund", nil)
}

// AwaitRefund asks until no money of an order is due back; else as AwaitOrder.
func (s *Seller) AwaitRefund(ctx context.Context, uid string) (*contract.Order, error) {
	return await(ctx, func(o *contract.Order) bool { return o.MoneyBack != contract.MoneyDue },
		func() (*contract.Order, error) { return s.Refund(ctx, uid) })
}

// AwaitSettled asks until no payment of a sale is under way and no money of it is to be taken
// or given back; else as AwaitOrder. A node that cannot tell counts as one where all is settled.
func (s *Seller) AwaitSettled(ctx context.Context, id string) (*contract.SaleDetail, error) {
	settled := func(sale *contract.SaleDetail) bool { return sale.UnsettledOrders == nil || *sale.UnsettledOrders == 0 }
	return await(ctx, settled, func() (*contract.SaleDetail, error) { return s.Sale(ctx, id) })
}

// await asks until what it gets is as wanted.
func await[T any](ctx context.Context, wanted func(*T) bool, ask func() (*T, error)) (last *T, err error) {
	for {
		got, err := ask()
		switch {
		case err == nil && wanted(got):
			return got, nil
		case err == nil:
			last = got
		case errors.Is(err, errNotModified):
			err = nil
		case ctx.Err() == nil && !mayPass(err):
			return last, err
		}
		select {
		case <-time.After(Pause(err)):
		case <-ctx.Done():
			return last, errors.Join(ctx.Err(), err)
		}
	}
}

// mayPass reports whether the same question may be answered later: a problem that says so, or
// no answer at all.
func mayPass(err error) bool {
	if problem, is := errors.AsType[*contract.Problem](err); is {
		return problem.Kind().Entry().Retry
	}
	return true
}

// Pause returns after how long to ask again what was answered with an error, or with an outcome
// that is not known yet.
func Pause(err error) time.Duration {
	if problem, is := errors.AsType[*contract.Problem](err); is {
		return cmp.Or(problem.RetryAfter, askAgain)
	}
	return askAgain
}
