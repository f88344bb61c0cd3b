package client

import (
	"context"
	"iter"
	"net/url"
	"time"

	"onsale/api/contract"
)

// OrderFilter says which orders of a sale are looked for; a field that is empty leaves none out.
type OrderFilter struct {
	State     string // as contract.Order has it
	User      string // the whole user id
	Reference string
}

// SaleOrders returns a page of a sale's orders; limit 0 and after "" mean the server's default and
// the beginning. A page may be short, or empty, and say that there is more.
func (s *Seller) SaleOrders(ctx context.Context, sale string, filter OrderFilter, limit int, after string) (*contract.OrderPage, error) {
	query := pageQuery(limit, "")
	for name, value := range map[string]string{"state": filter.State, "user": filter.User, "reference": filter.Reference, "after": after} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return get[contract.OrderPage](ctx, s.connection, salePath(sale)+"/orders", query)
}

// Order returns an order of any buyer.
func (s *Seller) Order(ctx context.Context, uid string) (*contract.OrderDetail, error) {
	return get[contract.OrderDetail](ctx, s.connection, contract.CallbackPrefix+segment(uid), nil)
}

// OrderHistory returns a page of what happened to an order; after "" means the beginning.
func (s *Seller) OrderHistory(ctx context.Context, uid, after string) (*contract.OrderHistory, error) {
	query := url.Values{}
	if after != "" {
		query.Set("after", after)
	}
	return get[contract.OrderHistory](ctx, s.connection, contract.CallbackPrefix+segment(uid)+"/history", query)
}

const (
	// ordersOfPage is how many orders a page of AllOrders has.
	ordersOfPage = 100
	// pagePatience is for how long a page is asked for that does not come, as in a fail-over.
	pagePatience = time.Minute
)

// AllOrders goes through a sale's orders, lowest seq first, page by page; an order that is made
// meanwhile comes at the end. It ends with the first error, or with ctx.
func (s *Seller) AllOrders(ctx context.Context, sale string, filter OrderFilter) iter.Seq2[*contract.Order, error] {
	return func(yield func(*contract.Order, error) bool) {
		for after := ""; ; {
			page, err := patiently(ctx, func(ctx context.Context) (*contract.OrderPage, error) {
				return s.SaleOrders(ctx, sale, filter, ordersOfPage, after)
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Orders {
				if !yield(&page.Orders[i], nil) {
					return
				}
			}
			if after = page.Cursor; !page.HasMore {
				return
			}
		}
	}
}

// patiently asks for a page until it comes, for pagePatience at most.
func patiently[T any](ctx context.Context, ask func(context.Context) (*T, error)) (*T, error) {
	ctx, cancel := context.WithTimeout(ctx, pagePatience)
	defer cancel()
	return await(ctx, func(*T) bool { return true }, func() (*T, error) { return ask(ctx) })
}
