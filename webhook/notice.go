package webhook

import (
	"encoding/json"
	"time"
)

// The types of the events that are not the feed's.
const (
	// TypeCut tells a receiver that some of what it was sent does not hold any more.
	TypeCut = "onsale.history.cut.v1"
	// TypeTest is what `onsale webhook test` sends.
	TypeTest = "onsale.webhook.test.v1"
)

// notice is an event of ours in the feed's envelope, CloudEvents 1.0.
type notice struct {
	SpecVersion     string         `json:"specversion"`
	ID              string         `json:"id"`
	Source          string         `json:"source"`
	Type            string         `json:"type"`
	Time            time.Time      `json:"time"`
	DataContentType string         `json:"datacontenttype"`
	Data            map[string]any `json:"data"`
}

// noticeSource is where these events come from.
const noticeSource = "/onsale/webhooks"

func newNotice(kind, id string, at time.Time, data map[string]any) (Event, error) {
	at = at.UTC().Truncate(time.Millisecond)
	body, err := json.Marshal(notice{SpecVersion: "1.0", ID: id, Source: noticeSource, Type: kind, Time: at, DataContentType: "application/json", Data: data})
	return Event{ID: id, Type: kind, Time: at, Body: body}, err
}

// cutNotice says of which events a receiver has to think again: those behind stillTrue, up to
// sentUpTo. The same cut has the same id.
func cutNotice(sentUpTo, stillTrue string, at time.Time) (Event, error) {
	return newNotice(TypeCut, "cut."+sentUpTo+"."+stillTrue, at, map[string]any{"sent_up_to": sentUpTo, "still_true_up_to": stillTrue})
}
