package client

import (
	"context"
	"fmt"

	"onsale/internal/ticket"
)

// TicketKeys returns what tickets are checked with; it needs no token.
func (c *Client) TicketKeys(ctx context.Context) (*ticket.Keys, error) {
	return get[ticket.Keys](ctx, c.connection, "/v1/keys", nil)
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
