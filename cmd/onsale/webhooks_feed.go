package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"onsale/api/auth"
	"onsale/api/client"
	"onsale/api/contract"
	"onsale/webhook"
)

// clusterFeed is the feed of a cluster, read at whichever of its nodes answers.
type clusterFeed struct {
	nodes      []string
	secretFile string
	desk       desk // how a node is reached

	mu      sync.Mutex
	first   int // the node that is asked first: that which answered last
	open    *client.Seller
	opened  time.Time // when open was made
	openFor int       // the node that open is for
}

// feedTokenLifetime is for how long a token for the feed is good, and feedTokenUse for how long it
// is used: the secrets may change, and the clocks of two machines differ.
const (
	feedTokenLifetime = 10 * time.Minute
	feedTokenUse      = 5 * time.Minute
)

// feedPageEvents is how many events are asked for at once.
const feedPageEvents = 256

// Next implements webhook.Source. A node that does not answer, whose journal begins later or that knows
// nothing of the position is no error while another one has the page.
func (f *clusterFeed) Next(ctx context.Context, after string, filter webhook.Filter, wait time.Duration) (webhook.Page, error) {
	query := client.FeedQuery{After: after, Types: filter.Types, Limit: feedPageEvents, Wait: wait}
	if after == webhook.Newest {
		query.After = contract.FeedNow
	}
	if len(filter.Sales) == 1 {
		query.Sale = filter.Sales[0]
	}
	var wrong error
	gone, foreign := true, true // at all nodes
	for range f.nodes {
		page, err := f.ask(ctx, query)
		switch {
		case err == nil:
			return pageOf(page, filter)
		case ctx.Err() != nil:
			return webhook.Page{}, ctx.Err()
		case cutOf(err) != nil:
			return webhook.Page{}, cutOf(err)
		}
		wrong = errors.Join(wrong, err)
		gone = gone && errors.Is(err, contract.ErrFeedGone)
		foreign = foreign && errors.Is(err, contract.ErrHistoryCut)
		f.turn()
	}
	switch {
	case gone:
		wrong = fmt.Errorf("%w: %w", webhook.ErrFeedGone, wrong)
	case foreign:
		wrong = new(webhook.Cut)
	}
	return webhook.Page{}, wrong
}

// ask asks the node whose turn it is.
func (f *clusterFeed) ask(ctx context.Context, query client.FeedQuery) (*contract.FeedPage, error) {
	seller, node, err := f.client()
	if err != nil {
		return nil, err
	}
	page, err := seller.Feed(ctx, query)
	if err != nil {
		err = fmt.Errorf("%s: %w", node, err)
	}
	return page, err
}

// client returns a client of the node whose turn it is, with a token that is good for a while.
func (f *clusterFeed) client() (*client.Seller, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node := f.nodes[f.first]
	if f.open != nil && f.openFor == f.first && time.Since(f.opened) < feedTokenUse {
		return f.open, node, nil
	}
	secret, err := readSecret(f.secretFile)
	if err != nil {
		return nil, node, fmt.Errorf("--secret-file: %w", err)
	}
	token, err := issue(secret, "webhooks", auth.RoleAuditor, feedTokenLifetime)
	if err != nil {
		return nil, node, err
	}
	way := f.desk
	way.address = node
	address, transport, err := way.transport()
	if err != nil {
		return nil, node, err
	}
	seller, err := client.NewSeller(client.Config{Address: address, Token: token, HTTP: transport})
	if err != nil {
		return nil, node, err
	}
	f.open, f.opened, f.openFor = seller, time.Now(), f.first
	return seller, node, nil
}

// turn lets the next node be asked.
func (f *clusterFeed) turn() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first = (f.first + 1) % len(f.nodes)
}

// pageOf takes what the filter wants of a page.
func pageOf(page *contract.FeedPage, filter webhook.Filter) (webhook.Page, error) {
	taken := webhook.Page{Next: page.Next, More: page.HasMore}
	for i := range page.Events {
		e := &page.Events[i]
		if e.Data.Sale != "" && len(filter.Sales) > 0 && !slices.Contains(filter.Sales, e.Data.Sale) {
			continue
		}
		body, err := json.Marshal(e)
		if err != nil {
			return webhook.Page{}, fmt.Errorf("event %s: %w", e.ID, err)
		}
		taken.Events = append(taken.Events, webhook.Event{ID: e.ID, Type: e.Type, Subject: e.Subject, Time: e.Time, Body: body})
	}
	return taken, nil
}

// cutOf returns where the histories part, when an answer says that; nil else. A node of a cluster that
// was succeeded knows nothing of the position, and does not say: another one may.
func cutOf(err error) error {
	var problem *contract.Problem
	if errors.Is(err, contract.ErrHistoryCut) && errors.As(err, &problem) && problem.AsOf != "" {
		return &webhook.Cut{Still: problem.AsOf}
	}
	return nil
}
