package api

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"

	"onsale/api/contract"
	"onsale/api/strict"
	"onsale/sequencer"
)

// feed answers GET /v1/feed: a page, or a stream to who accepts one.
func (p *Private) feed(x *exchange) error {
	q := contract.FeedQuestion{After: string(x.query.Cursor), Types: x.query.Types, Sale: string(x.query.Sale), Limit: contract.FeedEventsDefault,
		Wait: time.Duration(x.query.Wait) * time.Second}
	if x.query.Has(strict.Limit) {
		q.Limit = x.query.Limit
	}
	if x.sales.Limited() {
		q.Sees = x.sales.Has
	}
	if q.Sale != "" {
		if _, known := p.backend.SaleByID(q.Sale); !known || q.Sees != nil && !q.Sees(q.Sale) {
			return unknownSale(q.Sale)
		}
	}
	if acceptsLines(x.request.Header.Values("Accept")) {
		return p.feedLines(x, q)
	}
	ctx, cancel := p.untilStopped(x)
	defer cancel()
	page, err := p.operations.Feed(ctx, q)
	if err != nil && p.stopping.Err() != nil {
		return sequencer.ErrStopping
	}
	if err != nil {
		return err
	}
	return x.ok(page)
}

// untilStopped ends with the request, and as soon as the listener is to end: nothing that waits may
// hold that up.
func (p *Private) untilStopped(x *exchange) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(x.request.Context())
	stop := context.AfterFunc(p.stopping, cancel)
	return ctx, func() { stop(); cancel() }
}

// acceptsLines reports whether somebody asks for lines of JSON.
func acceptsLines(headers []string) bool {
	for _, header := range headers {
		for _, one := range strings.Split(header, ",") {
			if kind, _, err := mime.ParseMediaType(one); err == nil && kind == contract.FeedLinesMediaType {
				return true
			}
		}
	}
	return false
}

// feedBeat is how often a stream is sent something, an empty line when there is no event.
const feedBeat = 15 * time.Second

// feedLines sends events, a line each, until the caller leaves, its right is over or the listener
// ends. What goes wrong when the stream has begun breaks it off: the caller goes on behind the last
// event that it has.
func (p *Private) feedLines(x *exchange, q contract.FeedQuestion) error {
	give, err := p.streams.Take(string(x.actor))
	if err != nil {
		return err
	}
	defer give()
	ctx, cancel := p.untilStopped(x)
	defer cancel()
	ends, control, encoder := right(p.tokens, x.who), http.NewResponseController(x.writer), json.NewEncoder(x.writer)
	encoder.SetEscapeHTML(false)
	q.Wait = feedBeat
	if q.After == contract.FeedNow {
		q.Wait = 0 // the first page is where it begins
	}
	for begun := false; !ends.Over(p.config.Clock().Unix()) && ctx.Err() == nil; begun = true {
		page, err := p.operations.Feed(ctx, q)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil // the caller left, or the listener ends
		case err != nil && begun:
			panic(http.ErrAbortHandler)
		case err != nil:
			return err
		case !begun:
			x.writer.Header().Set("Content-Type", contract.FeedLinesMediaType)
			x.writer.Header().Set("X-Accel-Buffering", "no")
		}
		_ = control.SetWriteDeadline(time.Now().Add(p.config.WriteTimeout)) // of this page alone
		for i := range page.Events {
			if encoder.Encode(&page.Events[i]) != nil {
				return nil
			}
		}
		if len(page.Events) == 0 {
			_, err = x.writer.Write([]byte("\n"))
		}
		if err != nil || control.Flush() != nil {
			return nil
		}
		q.After, q.Wait = page.Next, feedBeat
	}
	return nil
}
