package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"onsale/payment"
	"onsale/payment/sandbox"
	"onsale/payment/stripe"
)

// paymentSettings say who takes the money.
type paymentSettings struct {
	Provider   string `koanf:"payment"`
	URL        string `koanf:"payment-url"`
	SecretFile string `koanf:"payment-secret-file"`
	// WebhookSecretFile and RequestsPerSecond are Stripe's.
	WebhookSecretFile string `koanf:"payment-webhook-secret-file"`
	RequestsPerSecond int    `koanf:"payment-requests-per-second"`
}

// The names of providers.
const (
	providerNone    = "none"
	providerSandbox = "sandbox"
	providerStripe  = stripe.Name
)

func addPaymentFlags(f *pflag.FlagSet) {
	f.String("payment", providerNone, "who takes the money: none, sandbox (no real money), or stripe")
	f.String("payment-url", "", "where a sandbox of its own process is (onsale sandbox): http://HOST:PORT; one node alone can do without. For stripe: of a fake, for tests")
	f.String("payment-secret-file", "", "the sandbox' secret, or stripe's API key (sk_… or rk_…)")
	f.String("payment-webhook-secret-file", "", "stripe's webhook secret (whsec_…); two, while they are rotated")
	f.Int("payment-requests-per-second", stripe.DefaultConfig().RequestsPerSecond, "requests to each of stripe's endpoints, and four times as many to all; more of them wait, and payments beyond what that allows are refused as overloaded")
}

// openProvider returns the provider and what closes it; nil for none. A provider of this
// process calls notify with its webhooks.
func (s *settings) openProvider(log *slog.Logger, notify func(signature string, body []byte)) (payment.Provider, func() error, error) {
	p := &s.Payment
	switch p.Provider {
	case providerNone:
		return nil, nil, nil
	case providerSandbox:
		return s.openSandbox(log, notify)
	case providerStripe:
		return p.openStripe(log)
	}
	return nil, nil, fmt.Errorf("%w: --payment is %q, allowed are none, sandbox and stripe", errUsage, p.Provider)
}

func (s *settings) openSandbox(log *slog.Logger, notify func(signature string, body []byte)) (payment.Provider, func() error, error) {
	p := &s.Payment
	if p.URL == "" {
		if s.JoinAt != "" || s.WaitToJoin {
			return nil, nil, fmt.Errorf("%w: several nodes need one sandbox: start `onsale sandbox` and give each --payment-url", errUsage)
		}
		secret := make([]byte, 32) // it speaks to itself
		rand.Read(secret)          // never fails
		config := sandbox.DefaultConfig()
		config.Secrets, config.Notify = [][]byte{secret}, notify
		config.Path, config.Logger = filepath.Join(s.DataDir, "sandbox-books.jsonl"), log
		books, err := sandbox.Open(config)
		if err != nil {
			return nil, nil, err
		}
		return books, books.Close, nil
	}
	secret, err := readSecret(p.SecretFile)
	if err != nil {
		return nil, nil, fmt.Errorf("--payment-secret-file: %w", err)
	}
	client, err := sandbox.NewClient(p.URL, secret)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return client, client.Close, nil
}

// openStripe reads its keys. Without a webhook secret outcomes are found by asking.
func (p *paymentSettings) openStripe(log *slog.Logger) (payment.Provider, func() error, error) {
	keys, err := readKeys("--payment-secret-file", p.SecretFile, 1)
	if err != nil {
		return nil, nil, err
	}
	config := stripe.DefaultConfig()
	config.Key, config.URL, config.RequestsPerSecond, config.Logger = keys[0], p.URL, p.RequestsPerSecond, log
	if p.WebhookSecretFile == "" {
		log.Warn("webhooks of stripe are refused without --payment-webhook-secret-file; outcomes are found by asking")
	} else if config.WebhookSecrets, err = readKeys("--payment-webhook-secret-file", p.WebhookSecretFile, 2); err != nil {
		return nil, nil, err
	}
	provider, err := stripe.New(config)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return provider, provider.Close, nil
}

// readKeys reads the file that a flag names: one key, or up to most, apart by white space.
func readKeys(flag, path string, most int) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errUsage, flag, err)
	}
	keys := strings.Fields(string(text))
	if len(keys) < 1 || len(keys) > most {
		return nil, fmt.Errorf("%w: %s: %s has %d keys, expected are 1 to %d", errUsage, flag, path, len(keys), most)
	}
	return keys, nil
}

// paymentsMax bounds the payments under way to what the provider's pace allows.
func paymentsMax(config *payment.Config, provider payment.Provider) {
	if paced, is := provider.(interface{ PaymentsMax(time.Duration) int }); is {
		config.PaymentsMax = min(config.PaymentsMax, paced.PaymentsMax(config.CallTimeout))
	}
}
