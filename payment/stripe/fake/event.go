package fake

import (
	"encoding/json"

	"onsale/payment"
)

// notify sends an event about an intent. The caller holds the lock.
func (f *Fake) notify(i *intent, kind string) { f.tell(i, kind, i.show(false)) }

// tell sends an event about an object of an intent.
func (f *Fake) tell(i *intent, kind string, object map[string]any) {
	if f.config.Notify == nil {
		return
	}
	body, err := json.Marshal(map[string]any{
		"id": f.newID("evt"), "object": "event", "type": kind, "api_version": "2020-08-27", "created": f.config.Clock().Unix(), "livemode": false,
		"data": map[string]any{"object": object},
	})
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	signature := payment.Sign(f.config.WebhookSecret, body, f.config.Clock())
	times := 1
	if i.double {
		times = 2
	}
	for range times {
		f.finished.Go(func() { f.config.Notify(signature, body) })
	}
}
