package contract

import "time"

// Bounds of the feed.
const (
	// FeedEventsMax and FeedEventsDefault bound the events of a page, or of a stream's line.
	FeedEventsMax     = 1000
	FeedEventsDefault = 100
	// FeedTypesMax bounds the patterns of types that are asked for.
	FeedTypesMax = 32
)

// FeedNow in place of a cursor asks for what comes from now on.
const FeedNow = "now"

// FeedLinesMediaType asks for a stream: a FeedEvent a line, and an empty line now and then while
// there is none.
const FeedLinesMediaType = "application/x-ndjson"

// A type is FeedTypePrefix, what changed and how, and FeedTypeSuffix: onsale.order.paid.v1.
// A pattern of types may leave prefix and suffix out and end in an asterisk: order.*
const (
	FeedTypePrefix = "onsale."
	FeedTypeSuffix = ".v1"
)

// FeedEvent is one change in the envelope of CloudEvents 1.0. It is the same, byte for byte, on
// every node and whenever it is asked for.
type FeedEvent struct {
	SpecVersion string `json:"specversion"` // FeedSpecVersion
	// ID is BIRTH-HEIGHT-PLACE: the beginning of the birth's id, the height of the block and the
	// place in it. It is given out once, for ever, and is the cursor of what comes behind it. Of two
	// ids of one birth the later one has the greater height, or place: compare them as numbers.
	ID string `json:"id"`
	// Source names the cluster, by its first birth.
	Source string `json:"source"`
	Type   string `json:"type"`
	// Subject is the order's uid, or the sale's id; absent of what is about neither.
	Subject         string    `json:"subject,omitempty"`
	Time            time.Time `json:"time"` // log time
	DataContentType string    `json:"datacontenttype"`
	// Seq is the decision's place in the one global order; of what happened without a command of
	// its own that of the last decision before it. It is a text, because numbers of CloudEvents
	// have 32 bits.
	Seq  uint64   `json:"seq,string"`
	Data FeedData `json:"data"`
}

// FeedQuestion asks for a page of the feed.
type FeedQuestion struct {
	After string   // the cursor; "" for the beginning, FeedNow for the end
	Types []string // patterns; without any all are meant but decision.*
	Sale  string   // id; "" for all
	Limit int      // events, 1 to FeedEventsMax
	// Wait is for how long an event is waited for.
	Wait time.Duration
	// Sees says which sales may be told of; nil means all, and what is about no sale.
	Sees func(sale string) bool
}

// FeedSpecVersion is the version of CloudEvents.
const FeedSpecVersion = "1.0"

// FeedData is what a decision says, and the facts of its order that never change. Fields that mean
// nothing for a type are absent.
type FeedData struct {
	OrderEvent
	Sale      string `json:"sale,omitempty"`      // id
	Order     string `json:"order,omitempty"`     // uid
	UserID    string `json:"user_id,omitempty"`   // a pseudonym where the sale has a key of pseudonyms
	Reference string `json:"reference,omitempty"` // as the buy said
	Requested uint8  `json:"requested,omitempty"` // tickets that were asked for
	Currency  string `json:"currency,omitempty"`  // of amount
	Cause     string `json:"cause,omitempty"`     // of a birth: new, restore, recover, copy
}

// FeedPage is a page of the feed.
type FeedPage struct {
	Events []FeedEvent `json:"events"`
	// Next is the cursor of the next page, also when there is no event yet.
	Next string `json:"next"`
	// HasMore says that the next page need not be waited for.
	HasMore bool   `json:"has_more"`
	AsOf    string `json:"as_of"` // the last block that this node has
}
