package stripe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	stripego "github.com/stripe/stripe-go/v85"

	"onsale/payment"
	"onsale/sequencer"
)

// ErrConfig is returned for a configuration that cannot work.
var ErrConfig = errors.New("stripe: bad configuration")

// Config is what a provider needs.
type Config struct {
	// Key is the account's secret API key, or a restricted one (sk_… or rk_…).
	Key string
	// WebhookSecrets check webhooks: two while they are rotated. Without one every
	// webhook is refused, and outcomes are found by asking.
	WebhookSecrets []string
	// URL is where Stripe is; "" for Stripe itself, another one for fakes.
	URL string
	// ReturnURL is where banks send buyers back to who authenticated on a page of theirs, with
	// the order's uid as the parameter "order". "" leaves that to Stripe.js on the shop's page.
	ReturnURL string
	// RetriesMax bounds how often a request without an answer is sent again, under
	// the same idempotency key.
	RetriesMax int
	// IDsMax bounds the intents' ids that are remembered, about 100 bytes each. One
	// that was forgotten costs a request.
	IDsMax int
	Logger *slog.Logger
}

// DefaultConfig returns the configuration that serves most; Key is missing.
func DefaultConfig() Config {
	return Config{RetriesMax: 2, IDsMax: 1 << 17, Logger: slog.New(slog.DiscardHandler)}
}

// Validate returns ErrConfig for what cannot work.
func (c *Config) Validate() error {
	if c.Key == "" {
		return fmt.Errorf("%w: the API key is missing", ErrConfig)
	}
	if parsed, err := url.Parse(c.URL); c.URL != "" && (err != nil || parsed.Scheme == "" || parsed.Host == "") {
		return fmt.Errorf("%w: the address %q is no https://HOST", ErrConfig, c.URL)
	}
	if strings.Contains(c.Key, "_live_") && c.URL != "" {
		return fmt.Errorf("%w: a live key is for Stripe itself, not for %s", ErrConfig, c.URL)
	}
	if err := checkReturnURL(c.ReturnURL); err != nil {
		return err
	}
	if c.RetriesMax < 0 || c.IDsMax < 1 {
		return fmt.Errorf("%w: %d retries, %d ids", ErrConfig, c.RetriesMax, c.IDsMax)
	}
	return nil
}

// Provider is Stripe as a payment.Provider, and a prometheus.Collector of its requests.
type Provider struct {
	prometheus.Collector
	config    Config
	stripe    *stripego.Client
	transport *http.Transport
	ids       *lru.Cache[chargeSum, string] // of intents

	mu      sync.Mutex
	account string // "" before it was told
}

// New returns a provider; it speaks to Stripe when it is asked something.
func New(config Config) (*Provider, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	ids, err := lru.New[chargeSum, string](config.IDsMax)
	if err != nil {
		return nil, err
	}
	transport := newTransport()
	counted := newCounter(transport)
	backend := stripego.BackendConfig{
		HTTPClient:        &http.Client{Transport: counted}, // the caller's context bounds the time
		LeveledLogger:     &stripego.LeveledLogger{Level: stripego.LevelNull},
		MaxNetworkRetries: stripego.Int64(int64(config.RetriesMax)),
		EnableTelemetry:   stripego.Bool(false),
	}
	if config.URL != "" {
		backend.URL = stripego.String(config.URL)
	}
	client := stripego.NewClient(config.Key, stripego.WithBackends(stripego.NewBackendsWithConfig(&backend)))
	return &Provider{Collector: counted, config: config, stripe: client, transport: transport, ids: ids}, nil
}

// Close ends the idle connections.
func (p *Provider) Close() error {
	p.transport.CloseIdleConnections()
	return nil
}

// Name is the provider's.
const Name = "stripe"

// Name implements payment.Provider.
func (p *Provider) Name() string { return Name }

// Account implements payment.Provider: stripe/test/acct_… or stripe/live/acct_…. A key is of one
// account for as long as it lives. A restricted key must be allowed to read it.
func (p *Provider) Account(ctx context.Context) (string, error) {
	p.mu.Lock()
	known := p.account
	p.mu.Unlock()
	if known != "" {
		return known, nil
	}
	found, err := p.stripe.V1Accounts.Retrieve(ctx, nil)
	if err != nil {
		return "", describe(err)
	}
	account := Name + "/" + modeOf(p.config.Key) + "/" + found.ID
	if !sequencer.ValidAccount([]byte(account)) || found.ID == "" {
		return "", fmt.Errorf("stripe: the account has the id %q", found.ID)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.account = account
	return account, nil
}

// modeOf returns whether a key moves money: Stripe says so in the key alone.
func modeOf(key string) string {
	if strings.Contains(key, "_test_") {
		return "test"
	}
	return "live"
}

// Authorise implements payment.Provider. The method is the id of a PaymentMethod
// (pm_…). A key keeps its outcome for as long as Stripe keeps idempotency keys.
func (p *Provider) Authorise(ctx context.Context, c payment.Charge, method string) (payment.Status, error) {
	intent, err := p.create(ctx, c)
	if err != nil {
		return p.gone(err)
	}
	p.ids.Add(sumOf(c), intent.ID)
	if status := statusOf(intent); status.Phase != payment.Unknown {
		return p.over(ctx, intent)
	}
	confirmed, err := p.confirm(ctx, c, intent.ID, method)
	switch {
	case err == nil:
		return asking(confirmed), nil
	case isDecline(err):
		return payment.Status{Phase: payment.Declined, Reason: reasonOf(err)}, nil
	case isMethodError(err):
		return p.refuse(ctx, intent.ID)
	case isOutrun(err):
		return p.retrieve(ctx, c, intent.ID)
	}
	return payment.Status{}, describe(err)
}

// confirm tries to reserve the money, once for a key.
func (p *Provider) confirm(ctx context.Context, c payment.Charge, id, method string) (*stripego.PaymentIntent, error) {
	params := &stripego.PaymentIntentConfirmParams{PaymentMethod: &method}
	if p.config.ReturnURL == "" {
		params.UseStripeSDK = stripego.Bool(true)
	} else {
		params.ReturnURL = stripego.String(returnURL(p.config.ReturnURL, c.Order))
	}
	params.SetIdempotencyKey(c.Key + "/confirm")
	return p.stripe.V1PaymentIntents.Confirm(ctx, id, params)
}

// refuse ends an intent whose payment method Stripe does not know: nothing was tried.
func (p *Provider) refuse(ctx context.Context, id string) (payment.Status, error) {
	if err := p.void(ctx, id); err != nil {
		return payment.Status{}, describe(err)
	}
	return payment.Status{Phase: payment.Declined, Reason: sequencer.ReasonUnknownMethod}, nil
}

// void ends an intent that has no money, or only reserved some.
func (p *Provider) void(ctx context.Context, id string) error {
	_, err := p.stripe.V1PaymentIntents.Cancel(ctx, id, nil)
	return err
}

// Find implements payment.Provider.
func (p *Provider) Find(ctx context.Context, c payment.Charge) (payment.Status, error) {
	id, err := p.locate(ctx, c)
	if err != nil {
		return p.gone(err)
	}
	return p.retrieve(ctx, c, id)
}

// Capture implements payment.Provider.
func (p *Provider) Capture(ctx context.Context, c payment.Charge, amount int64) (payment.Status, error) {
	id, err := p.look(ctx, c)
	if err != nil || id == "" {
		return payment.Status{Phase: payment.Unknown}, err
	}
	captured, err := p.capture(ctx, c, id, amount)
	if isOutrun(err) { // captured, cancelled or declined before
		captured, err = p.fetch(ctx, c, id)
	} else if err != nil {
		err = describe(err)
	}
	if err != nil {
		return payment.Status{}, err
	}
	status := statusOf(captured)
	status.Taken = fromStripe(captured.AmountReceived, c.Currency)
	return status, nil
}

// capture takes an amount of what is reserved, and releases the rest.
func (p *Provider) capture(ctx context.Context, c payment.Charge, id string, amount int64) (*stripego.PaymentIntent, error) {
	if amount == c.Amount {
		return p.stripe.V1PaymentIntents.Capture(ctx, id, nil)
	}
	theirs, err := toStripe(amount, c.Currency)
	if err != nil {
		return nil, err
	}
	return p.stripe.V1PaymentIntents.Capture(ctx, id, &stripego.PaymentIntentCaptureParams{AmountToCapture: &theirs})
}

// Cancel implements payment.Provider. When another step was faster, the phase that it
// came to is returned, and cancelling again acts upon that.
func (p *Provider) Cancel(ctx context.Context, c payment.Charge) (payment.Status, error) {
	id, err := p.locate(ctx, c)
	if err != nil {
		return p.gone(err)
	}
	return p.end(ctx, c, id, 1)
}

// Return implements payment.Provider. It makes no intent: one that was made to ask would be
// cancelled, and say nothing of the money.
func (p *Provider) Return(ctx context.Context, c payment.Charge, refund uint8) (payment.Status, error) {
	id, err := p.look(ctx, c)
	if err != nil || id == "" {
		return payment.Status{Phase: payment.Unknown}, err
	}
	return p.end(ctx, c, id, refund)
}

// end voids or refunds an intent; refund is which refund of it is to be sent.
func (p *Provider) end(ctx context.Context, c payment.Charge, id string, refund uint8) (payment.Status, error) {
	status, err := p.retrieve(ctx, c, id) // no buyer can try it again
	if err != nil {
		return status, err
	}
	switch {
	case status.Phase == payment.Declined || status.Phase == payment.Cancelled || status.Phase == payment.Refunded,
		status.Refunding, status.Refunds >= refund:
		return status, nil
	case status.Phase == payment.Captured:
		err = p.refund(ctx, c, id, refund)
	default:
		err = p.void(ctx, id)
	}
	if why := refusedForGood(err); why != sequencer.ReasonNone {
		status.Refunds, status.Refusal = refund, why
		return status, nil
	}
	if err != nil && !isOutrun(err) {
		return payment.Status{}, describe(err)
	}
	return p.retrieve(ctx, c, id)
}

// retrieve returns how an intent stands.
func (p *Provider) retrieve(ctx context.Context, c payment.Charge, id string) (payment.Status, error) {
	intent, err := p.fetch(ctx, c, id)
	if err != nil {
		return payment.Status{}, err
	}
	status, err := p.over(ctx, intent)
	if err == nil {
		status.Dispute, err = p.disputeOf(ctx, intent)
	}
	return status, err
}
