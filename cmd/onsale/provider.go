package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"onsale/internal/secretfile"
	"onsale/payment"
	"onsale/payment/sandbox"
	"onsale/payment/stripe"
)

// paymentSettings say who takes the money.
type paymentSettings struct {
	Provider   string
	URL        string
	SecretFile string
	// WebhookSecretFile and RequestsPerSecond are Stripe's.
	WebhookSecretFile string
	RequestsPerSecond int
}

// The names of providers.
const (
	providerNone    = "none"
	providerSandbox = "sandbox"
	providerStripe  = stripe.Name
)

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
	return nil, nil, fmt.Errorf("--payment is %q, allowed are none, sandbox and stripe", p.Provider)
}

// checkProvider opens the provider, unless it is a sandbox of this process, which would
// make its file.
func (s *settings) checkProvider() error {
	if s.Payment.Provider == providerSandbox && s.Payment.URL == "" && s.alone() {
		return nil
	}
	_, closeProvider, err := s.openProvider(slog.New(slog.DiscardHandler), nil)
	if closeProvider != nil {
		err = errors.Join(err, closeProvider())
	}
	return err
}

func (s *settings) openSandbox(log *slog.Logger, notify func(signature string, body []byte)) (payment.Provider, func() error, error) {
	p := &s.Payment
	if p.URL == "" {
		if !s.alone() {
			return nil, nil, errors.New("several nodes need one sandbox: start `onsale sandbox` and give each --payment-url")
		}
		secret := make([]byte, 32) // it speaks to itself
		rand.Read(secret)          // never fails
		config := sandbox.DefaultConfig()
		config.Secrets, config.Notify = [][]byte{secret}, notify
		config.Path, config.Logger = filepath.Join(s.Node.DataDir, "sandbox-books.jsonl"), log
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
		return nil, nil, fmt.Errorf("--payment-url: %w", err)
	}
	return client, client.Close, nil
}

// openStripe reads its keys. Without a webhook secret outcomes are found by asking.
func (p *paymentSettings) openStripe(log *slog.Logger) (payment.Provider, func() error, error) {
	config := stripe.DefaultConfig()
	config.URL, config.RequestsPerSecond, config.Logger = p.URL, p.RequestsPerSecond, log
	keys, err := readKeys("--payment-secret-file", p.SecretFile, 1)
	if p.WebhookSecretFile == "" {
		log.Warn("webhooks of stripe are refused without --payment-webhook-secret-file; outcomes are found by asking")
	} else {
		var wrong error
		config.WebhookSecrets, wrong = readKeys("--payment-webhook-secret-file", p.WebhookSecretFile, 2)
		err = errors.Join(err, wrong)
	}
	if err != nil {
		return nil, nil, err
	}

	config.Key = keys[0]
	provider, err := stripe.New(config)
	if err != nil {
		return nil, nil, fmt.Errorf("--payment, --payment-url and --payment-requests-per-second: %w", err)
	}
	return provider, provider.Close, nil
}

// readKeys reads the file that a flag names: one key, or up to most, apart by white space.
func readKeys(flag, path string, most int) ([]string, error) {
	text, err := secretfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	keys := strings.Fields(string(text))
	if len(keys) < 1 || len(keys) > most {
		return nil, fmt.Errorf("%s: %s has %d keys, expected are 1 to %d", flag, path, len(keys), most)
	}
	return keys, nil
}

// chargeable returns what says why the provider would not take an amount; nil when this node
// has none, or one that takes all.
func (v *server) chargeable() func(amount int64, currency string) error {
	if picky, is := v.desk.Provider().(interface{ Chargeable(int64, string) error }); is {
		return picky.Chargeable
	}
	return nil
}

// paymentsMax bounds the payments under way to what the provider's pace allows.
func paymentsMax(config *payment.Config, provider payment.Provider) {
	if paced, is := provider.(interface{ PaymentsMax(time.Duration) int }); is {
		config.PaymentsMax = min(config.PaymentsMax, paced.PaymentsMax(config.CallTimeout))
	}
}
