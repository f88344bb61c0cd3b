package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/sequencer"
)

func newEvents(p *program) *cobra.Command {
	return group("events", "Follow what is decided", newEventsTail(p))
}

// tail is what is followed, and where it goes.
type tail struct {
	desk
	query   client.FeedQuery
	forward string
	once    bool

	cursor string // behind what was written or delivered
	pause  time.Duration
}

const (
	// tailWait is for how long a page of the feed is waited for.
	tailWait = 30 * time.Second
	// tailPauseMin and tailPauseMax are the pauses before what failed is tried again; each is twice
	// the one before.
	tailPauseMin = 500 * time.Millisecond
	tailPauseMax = 30 * time.Second
	// tailLifetime is how long the token is good that is made for a tail.
	tailLifetime = 24 * time.Hour
	// tailForwardTimeout bounds the delivery of an event.
	tailForwardTimeout = 10 * time.Second
	// tailAnswerBytesMax bounds what is read of an answer to a delivery.
	tailAnswerBytesMax = 1 << 16
)

func newEventsTail(p *program) *cobra.Command {
	t := tail{pause: tailPauseMin}
	c := &cobra.Command{Use: "tail", Short: "Print the events of a feed, a line of JSON each, as they are decided", Args: arguments(cobra.NoArgs),
		Long: `Prints every change of orders, payments and sales as an event of CloudEvents 1.0, a line of JSON
each, in order, and goes on until it is stopped; with --once it ends when all are told. docs/feed.md has
the types. Without --after it begins with what comes from now on; --after "" is the beginning.

With --forward each event is sent to a URL (POST, application/cloudevents+json) before the next one: for
trying out what receives them. What fails is tried again for ever; --after with the id of the last event
that was printed goes on where it ended. It is no replacement for webhooks, which sign what they send.

When a restore has ended the history that was followed, or the node does not reach back to --after, it
ends with exit code 3 and says from where to go on.`,
		Example: "  onsale events tail --types 'order.*'\n  onsale events tail --after \"\" --sale arena --once\n  onsale events tail --types order.paid --forward http://127.0.0.1:9000/hook",
		RunE:    func(c *cobra.Command, _ []string) error { return t.run(c.Context(), p) }}
	t.flags(c.Flags())
	f := c.Flags()
	f.StringSliceVar(&t.query.Types, "types", nil, "types, such as order.paid,sale.*; without it all but decision.*")
	f.StringVar(&t.query.Sale, "sale", "", "of this sale only")
	f.StringVar(&t.cursor, "after", contract.FeedNow, "id of the event, or cursor, behind which to begin")
	f.StringVar(&t.forward, "forward", "", "address (URL) to which each event is sent by POST when it is printed")
	f.BoolVar(&t.once, "once", false, "end when there are no more events")
	return c
}

func (t *tail) run(ctx context.Context, p *program) error {
	if to, err := url.Parse(t.forward); t.forward != "" && (err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https") {
		return fmt.Errorf("%w: --forward is %q, expected is a URL such as http://127.0.0.1:9000/hook", errUsage, t.forward)
	}
	t.patience = patience{wait: true, most: tailLifetime}
	seller, err := t.open()
	if err != nil {
		return err
	}
	t.query.Limit = contract.FeedEventsMax
	for {
		page, err := t.page(ctx, seller)
		if err == nil {
			err = t.take(ctx, p, page)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && t.once && !page.HasMore:
			return nil
		case err == nil:
			t.pause = tailPauseMin
			continue
		case !mayPass(err):
			return t.explain(err)
		}
		fmt.Fprintf(p.err, "%v; again in %v\n", err, t.pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(t.pause):
		}
		t.pause = min(2*t.pause, tailPauseMax)
	}
}

// page asks for what comes next, and waits for it unless the beginning of "now" is asked for.
func (t *tail) page(ctx context.Context, seller *client.Seller) (*contract.FeedPage, error) {
	t.query.After, t.query.Wait = t.cursor, tailWait
	if t.once || t.cursor == contract.FeedNow {
		t.query.Wait = 0
	}
	return seller.Feed(ctx, t.query)
}

// take prints and delivers the events of a page.
func (t *tail) take(ctx context.Context, p *program, page *contract.FeedPage) error {
	for i := range page.Events {
		line, err := json.Marshal(&page.Events[i])
		if err == nil && t.forward != "" {
			err = t.deliver(ctx, line)
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(p.out, "%s\n", line); err != nil {
			return err
		}
		t.cursor = page.Events[i].ID
	}
	t.cursor = page.Next
	return nil
}

// errNotDelivered is returned when nobody took an event: it is sent again.
var errNotDelivered = errors.New("the event was not delivered")

// deliver sends an event, whose answer must be 2xx.
func (t *tail) deliver(ctx context.Context, event []byte) error {
	ctx, cancel := context.WithTimeout(ctx, tailForwardTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.forward, bytes.NewReader(event))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/cloudevents+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotDelivered, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, tailAnswerBytesMax)) // what it says does not matter
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%w: %s answered %s", errNotDelivered, t.forward, strconv.Itoa(response.StatusCode))
	}
	return nil
}

// mayPass reports whether the same question may be answered later.
func mayPass(err error) bool {
	problem, is := errors.AsType[*contract.Problem](err)
	if !is {
		return errors.Is(err, errNotDelivered) || errors.Is(err, client.ErrNotSent) || isNetwork(err)
	}
	return problem.Kind().Entry().Retry || errors.Is(err, sequencer.ErrBehind) || errors.Is(err, contract.ErrTooManyOpen)
}

// isNetwork reports whether an answer was lost on its way.
func isNetwork(err error) bool {
	lost, is := errors.AsType[*url.Error](err)
	return is && lost.Op != "parse" || errors.Is(err, io.ErrUnexpectedEOF)
}

// explain says from where to go on.
func (t *tail) explain(err error) error {
	problem, is := errors.AsType[*contract.Problem](err)
	switch {
	case is && problem.Oldest != "":
		return fmt.Errorf("%w: %w; --after %s leaves out what is missing here", errRefused, err, problem.Oldest)
	case is && problem.AsOf != "" && errors.Is(err, contract.ErrHistoryCut):
		return fmt.Errorf("%w: %w; go on with --after %s", errRefused, err, problem.AsOf)
	case errors.Is(err, contract.ErrHistoryCut):
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}
