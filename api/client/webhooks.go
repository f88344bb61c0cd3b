package client

import (
	"context"
	"net/http"

	"onsale/api/contract"
)

// Webhooks speaks to the private listener of `onsale webhooks`.
type Webhooks struct{ connection *connection }

// NewWebhooks returns a client of that listener.
func NewWebhooks(config Config) (*Webhooks, error) {
	c, err := newConnection(config)
	if err != nil {
		return nil, err
	}
	return &Webhooks{c.patient()}, nil // a test takes as long as the endpoint's timeout
}

// List returns all endpoints.
func (w *Webhooks) List(ctx context.Context) (*contract.WebhookList, error) {
	return get[contract.WebhookList](ctx, w.connection, "/v1/webhooks", nil)
}

// Letters returns the dead letters of an endpoint.
func (w *Webhooks) Letters(ctx context.Context, endpoint string) (*contract.WebhookLetters, error) {
	return get[contract.WebhookLetters](ctx, w.connection, "/v1/webhooks/"+segment(endpoint)+"/dead", nil)
}

// Test sends an endpoint a test event, once.
func (w *Webhooks) Test(ctx context.Context, endpoint string) (*contract.WebhookTest, error) {
	test := new(contract.WebhookTest)
	return test, w.step(ctx, "test", contract.WebhookStep{Endpoint: endpoint}, test)
}

// Enable lets a stopped endpoint go on. It may be repeated.
func (w *Webhooks) Enable(ctx context.Context, endpoint string) error {
	return w.step(ctx, "enable", contract.WebhookStep{Endpoint: endpoint}, nil)
}

// Replay sends an endpoint all again that is behind a cursor of the feed, "" for the oldest.
func (w *Webhooks) Replay(ctx context.Context, endpoint, from string) error {
	return w.step(ctx, "replay", contract.WebhookReplay{Endpoint: endpoint, From: from}, nil)
}

// Retry takes dead letters of an endpoint back, by their numbers; without any the oldest
// contract.WebhookRetriesMax.
func (w *Webhooks) Retry(ctx context.Context, endpoint string, numbers ...uint64) (int, error) {
	var retried contract.WebhookRetried
	err := w.step(ctx, "retry", contract.WebhookRetry{Endpoint: endpoint, Numbers: numbers}, &retried)
	return retried.Count, err
}

func (w *Webhooks) step(ctx context.Context, verb string, body, into any) error {
	_, err := w.connection.do(ctx, call{method: http.MethodPost, path: "/v1/webhooks/" + verb, body: body, into: into})
	return err
}
