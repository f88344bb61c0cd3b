package stripe

import (
	"errors"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"onsale/payment"
)

// errNoWebhookSecret is why webhooks are refused where none can be checked.
var errNoWebhookSecret = errors.New("no webhook secret is configured")

// Notice implements payment.Provider. Nothing of an event is believed but the key of
// its object: whatever happened, and however often it is told, the charge is asked
// about. So neither the kind of the event nor the version of the API that it was
// written with matter. The library reads the clock itself.
func (p *Provider) Notice(signature string, body []byte, _ time.Time) (key string, err error) {
	options := webhook.ConstructEventOptions{Tolerance: payment.SignatureTolerance, IgnoreAPIVersionMismatch: true}
	err = errNoWebhookSecret
	for _, secret := range p.config.WebhookSecrets {
		event, failure := webhook.ConstructEventWithOptions(body, signature, secret, options)
		if failure != nil {
			err = failure
			continue
		}
		if event.Data == nil {
			return "", nil
		}
		metadata, _ := event.Data.Object["metadata"].(map[string]any)
		key, _ = metadata[metadataKey].(string)
		return key, nil
	}
	return "", fmt.Errorf("%w: %w", payment.ErrNotice, err)
}
