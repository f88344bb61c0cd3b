package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
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
	Provider          string
	URL               string
	SecretFile        string
	WebhookSecretFile string // Stripe's, as the next
	ReturnURL         string
	// Rate is in calls a second; 0 for what the provider takes as it comes.
	Rate    float64
	LineMax time.Duration
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
	if err := p.checkLine(); err != nil {
		return nil, nil, err
	}
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
		return s.Payment.checkLine()
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
		return openOwnSandbox(config)
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

// openOwnSandbox opens the sandbox of this process, and on a free port of this machine the pages
// on which its buyers authenticate.
func openOwnSandbox(config sandbox.Config) (payment.Provider, func() error, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("the sandbox' pages: %w", err)
	}
	config.PagesURL = "http://" + listener.Addr().String()
	books, err := sandbox.Open(config)
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}

	pages := sandbox.NewPagesServer(books, config.Logger)
	served := make(chan error, 1)
	go func() { served <- pages.Serve(listener) }()
	return books, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), pagesDrainTimeout)
		defer cancel()
		return errors.Join(pages.Shutdown(ctx), <-served, books.Close())
	}, nil
}

// pagesDrainTimeout bounds how long the sandbox' pages may take to be shown when it ends.
const pagesDrainTimeout = time.Second

// openStripe reads its keys. Without a webhook secret outcomes are found by asking.
func (p *paymentSettings) openStripe(log *slog.Logger) (payment.Provider, func() error, error) {
	config := stripe.DefaultConfig()
	config.URL, config.Logger = p.URL, log
	config.ReturnURL = p.ReturnURL
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
		return nil, nil, fmt.Errorf("--payment, --payment-url and --payment-return-url: %w", err)
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

// rateOf returns how many calls a second the provider takes, as it is configured or as it comes;
// 0 when that is not known.
func (p *paymentSettings) rateOf(provider payment.Provider) float64 {
	if limited, is := provider.(interface{ CallsPerSecond() float64 }); is && p.Rate == 0 {
		return limited.CallsPerSecond()
	}
	return p.Rate
}

// The bounds of what a line before the provider can be told.
const (
	rateMin, rateMax       = 0.5, 100_000 // calls a second
	lineMaxMin, lineMaxMax = time.Second, time.Hour
)

// checkLine refuses a rate or a wait that cannot work.
func (p *paymentSettings) checkLine() error {
	if p.Rate != 0 && !(p.Rate >= rateMin && p.Rate <= rateMax) {
		return fmt.Errorf("--provider-rate is %v, allowed are 0 and %v to %d", p.Rate, rateMin, rateMax)
	}
	if p.LineMax < lineMaxMin || p.LineMax > lineMaxMax {
		return fmt.Errorf("--provider-line-max is %v, allowed are %v to %v", p.LineMax, lineMaxMin, lineMaxMax)
	}
	return nil
}
