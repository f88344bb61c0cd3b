package contract

import "time"

// Webhook is an endpoint of `onsale webhooks` as it stands.
type Webhook struct {
	Name     string `json:"name"`
	Origin   string `json:"origin"`   // of its URL, whose path may be secret
	Position string `json:"position"` // the feed's cursor behind everything that was read for it
	Pending  int    `json:"pending"`  // events that were read and not delivered
	Dead     int    `json:"dead"`     // dead letters
	// LagSeconds is the age of the oldest event that was read, or is known to be there, and was
	// not delivered.
	LagSeconds float64      `json:"lag_seconds"`
	Stopped    *WebhookStop `json:"stopped,omitempty"`
	// FeedError is why the feed cannot be read.
	FeedError string `json:"feed_error,omitempty"`
	// ClockSeconds is by how much the receiver's clock is ahead, as its last answer said.
	ClockSeconds float64 `json:"clock_seconds"`
	// Error is of the last attempt, when it failed.
	Error string `json:"error,omitempty"`
}

// WebhookStop is why nothing is sent to an endpoint any more, until somebody says go on.
type WebhookStop struct {
	Reason string    `json:"reason"` // gone, disabled, dead-letters-full, feed-gone, history-cut
	Why    string    `json:"why"`    // in one line, for people
	At     time.Time `json:"at"`
}

// WebhookList is all endpoints, by name.
type WebhookList struct {
	Webhooks []Webhook `json:"webhooks"`
}

// WebhookTest is what came of an event that was sent to try an endpoint.
type WebhookTest struct {
	ID      string  `json:"id"`     // webhook-id
	Result  string  `json:"result"` // delivered, or why not
	Status  int     `json:"status,omitempty"`
	Said    string  `json:"said,omitempty"` // by the receiver, or the system
	Seconds float64 `json:"seconds"`
}

// WebhookLetter is an event that was given up.
type WebhookLetter struct {
	Number   uint64    `json:"number"`
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Subject  string    `json:"subject,omitempty"`
	Time     time.Time `json:"time"` // log time
	Attempts int       `json:"attempts"`
	Said     string    `json:"said,omitempty"` // by the last attempt
	DeadAt   time.Time `json:"dead_at"`
}

// WebhookLetters is all dead letters of an endpoint, oldest first.
type WebhookLetters struct {
	Letters []WebhookLetter `json:"letters"`
}

// WebhookStep asks something of an endpoint.
type WebhookStep struct {
	Endpoint string `json:"endpoint"`
}

// WebhookReplay sends an endpoint all again that is behind a cursor, "" for the oldest.
type WebhookReplay struct {
	Endpoint string `json:"endpoint"`
	From     string `json:"from"`
}

// WebhookRetry takes dead letters back; without numbers the oldest WebhookRetriesMax.
type WebhookRetry struct {
	Endpoint string   `json:"endpoint"`
	Numbers  []uint64 `json:"numbers,omitempty"`
}

// WebhookRetriesMax bounds the numbers of a WebhookRetry.
const WebhookRetriesMax = 100

// WebhookRetried is how many dead letters wait again.
type WebhookRetried struct {
	Count int `json:"count"`
}
