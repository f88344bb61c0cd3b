package client

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"onsale/api/contract"
)

// FeedQuery says which events are asked for; a field that is empty leaves none out.
type FeedQuery struct {
	// After is the cursor: FeedPage.Next, or the id of an event. "" is the beginning, and
	// contract.FeedNow what comes from now on.
	After string
	// Types are patterns of types; without any all come but decision.*
	Types []string
	Sale  string
	// Limit is of a page, 0 for the server's default.
	Limit int
	// Wait is for how long the server may wait for an event.
	Wait time.Duration
}

func (q *FeedQuery) values() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{"after": q.After, "types": strings.Join(q.Types, ","), "sale": q.Sale} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Wait > 0 {
		query.Set("wait", q.Wait.String())
	}
	return query
}

// Feed returns a page of the feed. contract.ErrFeedGone, contract.ErrHistoryCut: the problem says
// from where to go on.
func (s *Seller) Feed(ctx context.Context, q FeedQuery) (*contract.FeedPage, error) {
	connection := s.connection
	if q.Wait > 0 {
		connection = connection.patient()
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.Wait+feedPatience)
		defer cancel()
	}
	return get[contract.FeedPage](ctx, connection, "/v1/feed", q.values())
}

// feedPatience is for how long a page is waited for beyond what the server was told to wait.
const feedPatience = 10 * time.Second
