package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"onsale/api/auth"
)

// tokenSettings say which tokens are accepted beside those of the secret.
type tokenSettings struct {
	Config   auth.Config
	KeyFile  string
	Provider auth.Provider // of KeyFile's tokens
}

func (s *tokenSettings) check() error {
	switch {
	case s.KeyFile == "" && s.Provider.Issuer != "":
		return errors.New("--token-issuer is for the tokens of --jwks-file, which is missing")
	case s.KeyFile != "" && (s.Provider.Issuer == "" || s.Provider.Audience == ""):
		return errors.New("--jwks-file needs --token-issuer and --token-audience: who signs the tokens, and for whom")
	}
	return nil
}

// config is the verifier's. The secret may be nil when there is a file of keys.
func (s *tokenSettings) config(secret []byte) auth.Config {
	c := s.Config
	if len(secret) > 0 {
		c.Secrets = [][]byte{secret}
	}
	if s.KeyFile != "" {
		provider := s.Provider
		c.Provider = &provider
	}
	return c
}

// try reads the file of keys, when there is one.
func (s *tokenSettings) try() error {
	if s.KeyFile == "" {
		return nil
	}
	if _, err := auth.OpenKeyFile(s.KeyFile, s.config(nil), slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("--jwks-file: %w", err)
	}
	return nil
}

// tokens verifies tokens, and follows the file of keys while it is open.
type tokens struct {
	verifier *auth.Verifier
	keys     *auth.KeyFile // nil without one
	stop     context.CancelFunc
	stopped  chan struct{}
}

// open returns the verifier of a server.
func (s *tokenSettings) open(secret []byte, log *slog.Logger) (*tokens, error) {
	t := &tokens{stop: func() {}, stopped: make(chan struct{})}
	if s.KeyFile == "" {
		close(t.stopped)
		var err error
		t.verifier, err = auth.NewVerifier(s.config(secret))
		return t, err
	}
	keys, err := auth.OpenKeyFile(s.KeyFile, s.config(secret), log)
	if err != nil {
		return nil, err
	}
	t.verifier, t.keys = keys.Verifier(), keys
	var ctx context.Context
	ctx, t.stop = context.WithCancel(context.Background())
	go func() {
		defer close(t.stopped)
		keys.Run(ctx)
	}()
	return t, nil
}

// reopen takes another secret; the one before stays in force when it does not do.
func (t *tokens) reopen(s *tokenSettings, secret []byte) error {
	if t.keys != nil {
		return t.keys.Configure(s.config(secret))
	}
	return t.verifier.Configure(s.config(secret))
}

// close stops following the file; t may be nil.
func (t *tokens) close() {
	if t != nil {
		t.stop()
		<-t.stopped
	}
}
