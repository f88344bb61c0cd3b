package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"onsale/api"
)

// tokenSettings say which tokens are accepted beside those of the secret.
type tokenSettings struct {
	KeyFile  string        `koanf:"jwks-file"`
	Issuer   string        `koanf:"token-issuer"`
	Audience string        `koanf:"token-audience"`
	Leeway   time.Duration `koanf:"token-leeway"`
}

func (s *tokenSettings) flags(f *pflag.FlagSet) {
	c := api.DefaultTokenConfig()
	f.String("jwks-file", "", "public keys (JSON Web Key Set) of where buyers log in: tokens by RS256, ES256 or EdDSA; read again when it changes")
	f.String("token-issuer", "", "what iss must be in their tokens; needed with --jwks-file")
	f.String("token-audience", c.Audience, "what aud must contain in their tokens")
	f.Duration("token-leeway", c.Leeway, "by how much the clock of who signs tokens may differ")
}

func (s *tokenSettings) validate() error {
	switch {
	case s.KeyFile == "" && s.Issuer != "":
		return fmt.Errorf("%w: --token-issuer is for the tokens of --jwks-file, which is missing", errUsage)
	case s.KeyFile != "" && (s.Issuer == "" || s.Audience == ""):
		return fmt.Errorf("%w: --jwks-file needs --token-issuer and --token-audience: who signs the tokens, and for whom", errUsage)
	case s.Leeway < 0 || s.Leeway > time.Hour:
		return fmt.Errorf("%w: --token-leeway is %v, allowed is 0 to 1h", errUsage, s.Leeway)
	}
	return nil
}

// tokens verifies tokens, and follows the file of keys while it is open.
type tokens struct {
	verifier *api.Verifier
	stop     context.CancelFunc
	stopped  chan struct{}
}

// open returns the verifier of a server. The secret may be nil when there is a
// file of keys.
func (s *tokenSettings) open(secret []byte, cached int, log *slog.Logger) (*tokens, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	config := api.DefaultTokenConfig()
	config.CacheEntries, config.Leeway = cached, s.Leeway
	if len(secret) > 0 {
		config.Secrets = [][]byte{secret}
	}
	t := &tokens{stop: func() {}, stopped: make(chan struct{})}
	if s.KeyFile == "" {
		close(t.stopped)
		var err error
		t.verifier, err = api.NewVerifier(config)
		return t, err
	}
	config.Provider = &api.Provider{Issuer: s.Issuer, Audience: s.Audience}
	keys, err := api.OpenKeyFile(s.KeyFile, config, log)
	if err != nil {
		return nil, err
	}
	t.verifier = keys.Verifier()
	var ctx context.Context
	ctx, t.stop = context.WithCancel(context.Background())
	go func() {
		defer close(t.stopped)
		keys.Run(ctx)
	}()
	return t, nil
}

// close stops following the file; t may be nil.
func (t *tokens) close() {
	if t != nil {
		t.stop()
		<-t.stopped
	}
}
