package webhook

import (
	"context"
	"errors"
	"time"
)

// Event is one of the feed, as far as its delivery must know it.
type Event struct {
	// ID is the feed's: the same event has it on every replica for ever, and receivers know
	// repeats by it.
	ID   string `json:"id"`
	Type string `json:"type"`
	// Subject is what happened to what: an order's uid, a sale's id. Events of one are delivered
	// in order; of two, side by side.
	Subject string    `json:"subject"`
	Time    time.Time `json:"time"` // of the decision, by the log's clock
	// Body is the event in JSON, as it is sent: the same bytes at every attempt.
	Body []byte `json:"body"`
}

// Page is what the feed has behind a position.
type Page struct {
	Events []Event // in order; none when nothing came
	// Next is the position behind the page; events that the filter left out are behind it too.
	Next string
	// More says that the feed has further events already.
	More bool
}

// Filter says which events an endpoint is sent. Nothing in a list takes all that the feed has by
// default.
type Filter struct {
	Types []string // such as order.paid, order.*
	Sales []string // ids
}

// Source is the feed of a cluster.
type Source interface {
	// Next returns what is behind a position ("" for the oldest that the feed has, Newest for what
	// comes from now on), or an empty page when nothing came within wait. ErrFeedGone when the feed
	// does not go back so far, *Cut when the position is of a history that a restore has ended. Any
	// other error may be asked again.
	Next(ctx context.Context, after string, filter Filter, wait time.Duration) (Page, error)
}

// Newest is the position behind everything that the feed has.
const Newest = "newest"

// Cut is returned for a position of a history that a restore has ended: what was behind Still has
// not happened, as far as the cluster knows now.
type Cut struct {
	Still string // the last position of both histories; "" when that is not known
}

// Error implements error.
func (c *Cut) Error() string { return "the cluster was restored to before this position" }

// ErrFeedGone is returned when the feed has no events any more that are behind a position.
var ErrFeedGone = errors.New("the feed does not go back so far")
