package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"onsale/payment"
	"onsale/sequencer"
)

// notice is the body of a webhook.
type notice struct {
	Key      string `json:"key"`
	ID       string `json:"id"` // of the event; the same when it is sent twice
	Disputed bool   `json:"disputed,omitempty"`
}

// notify sends a webhook about a charge some times. The caller holds the lock.
func (b *Books) notify(key string, times int) {
	if b.config.Notify == nil || len(b.config.Secrets) == 0 {
		return
	}
	e := b.byKey[key]
	body, err := json.Marshal(notice{Key: key, ID: fmt.Sprintf("%s/%s/%d/%s", key, e.Phase, e.Refunds, e.Dispute.Status), Disputed: e.Dispute.Status != sequencer.DisputeNone})
	if err != nil {
		panic(err) // two strings and a flag
	}
	signature := payment.Sign(b.config.Secrets[0], body, b.config.Clock())
	for range times {
		b.finished.Go(func() { b.config.Notify(signature, body) })
	}
}

// Notice implements payment.Provider.
func (b *Books) Notice(_ context.Context, signature string, body []byte, now time.Time) (payment.Notice, error) {
	return readNotice(b.config.Secrets, signature, body, now)
}

func readNotice(secrets [][]byte, signature string, body []byte, now time.Time) (payment.Notice, error) {
	if err := payment.Verify(secrets, signature, body, now); err != nil {
		return payment.Notice{}, err
	}
	var n notice
	if err := json.Unmarshal(body, &n); err != nil {
		return payment.Notice{}, fmt.Errorf("%w: %w", payment.ErrNotice, err)
	}
	return payment.Notice{Key: n.Key, Disputed: n.Disputed}, nil
}
