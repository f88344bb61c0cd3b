package stripe

import (
	"context"
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
// written with matter. A dispute has no key: it names its intent, which has. The library reads
// the clock itself.
func (p *Provider) Notice(ctx context.Context, signature string, body []byte, _ time.Time) (payment.Notice, error) {
	options := webhook.ConstructEventOptions{Tolerance: payment.SignatureTolerance, IgnoreAPIVersionMismatch: true}
	err := errNoWebhookSecret
	for _, secret := range p.config.WebhookSecrets {
		event, failure := webhook.ConstructEventWithOptions(body, signature, secret, options)
		if failure != nil {
			err = failure
			continue
		}
		if event.Data == nil {
			return payment.Notice{}, nil
		}
		if event.Data.Object["object"] == "dispute" {
			return p.disputed(ctx, event.Data.Object)
		}
		metadata, _ := event.Data.Object["metadata"].(map[string]any)
		key, _ := metadata[metadataKey].(string)
		return payment.Notice{Key: key}, nil
	}
	return payment.Notice{}, fmt.Errorf("%w: %w", payment.ErrNotice, err)
}
