package client

import (
	"context"
	"fmt"
	"iter"

	"onsale/api/contract"
	"onsale/internal/ticket"
)

// TicketKeys returns what tickets are checked with; it needs no token.
func (c *Client) TicketKeys(ctx context.Context) (*ticket.Keys, error) {
	return get[ticket.Keys](ctx, c.connection, "/v1/keys", nil)
}

// SaleTickets returns a page of the tickets of a sale, by number, behind a place; 0 means the
// beginning. A page may be short, or empty, and say that there is more.
func (s *Seller) SaleTickets(ctx context.Context, sale string, after uint64) (*contract.SaleTicketPage, error) {
	query := pageQuery(ordersOfPage, "")
	if after > 0 {
		query.Set("after", fmt.Sprint(after))
	}
	return get[contract.SaleTicketPage](ctx, s.connection, salePath(sale)+"/tickets", query)
}

// AllTickets goes through a sale's tickets, lowest number first, page by page, and waits for a page
// that does not come as AllOrders does. It ends with the first error, or with ctx.
func (s *Seller) AllTickets(ctx context.Context, sale string) iter.Seq2[*contract.SaleTicket, error] {
	return func(yield func(*contract.SaleTicket, error) bool) {
		for after := uint64(0); ; {
			page, err := patiently(ctx, func(ctx context.Context) (*contract.SaleTicketPage, error) { return s.SaleTickets(ctx, sale, after) })
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Tickets {
				if !yield(&page.Tickets[i], nil) {
					return
				}
			}
			if after = page.After; !page.HasMore {
				return
			}
		}
	}
}

// Revoked returns a page of the tickets of a sale that are not valid any more, behind a place; 0
// means the beginning.
func (s *Seller) Revoked(ctx context.Context, sale string, after uint64) (*ticket.Revoked, error) {
	query := pageQuery(revokedOfPage, "")
	if after > 0 {
		query.Set("after", fmt.Sprint(after))
	}
	return get[ticket.Revoked](ctx, s.connection, salePath(sale)+"/revocations", query)
}

// revokedOfPage is how many tickets a page of AllRevoked has.
const revokedOfPage = 100

// AllRevoked returns all of them, as one page.
func (s *Seller) AllRevoked(ctx context.Context, sale string) (*ticket.Revoked, error) {
	all, err := s.Revoked(ctx, sale, 0)
	for err == nil && all.More {
		var page *ticket.Revoked
		if page, err = s.Revoked(ctx, sale, all.After); err == nil {
			page.Numbers = append(all.Numbers, page.Numbers...)
			all = page
		}
	}
	return all, err
}
