package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/api/auth"
	"onsale/internal/auditlog"
	"onsale/internal/metric"
	"onsale/internal/secretfile"
	"onsale/internal/watched"
)

// tokenSettings say which tokens are accepted beside those of the secrets.
type tokenSettings struct {
	Config      auth.Config
	KeyFile     string
	Provider    auth.Provider // of KeyFile's tokens
	RevokedFile string
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

// config is the verifier's, without what the files have.
func (s *tokenSettings) config() auth.Config {
	c := s.Config
	if s.KeyFile != "" {
		provider := s.Provider
		c.Provider = &provider
	}
	return c
}

// tryKeys reads the file of keys, when there is one.
func (s *tokenSettings) tryKeys() error {
	if s.KeyFile == "" {
		return nil
	}
	if _, _, err := auth.ReadKeys(s.KeyFile); err != nil {
		return fmt.Errorf("--%s: %w", auth.FileKeys, err)
	}
	return nil
}

// tryRevoked reads the revoked tokens, when there is a file of them.
func (s *tokenSettings) tryRevoked() error {
	if s.RevokedFile == "" {
		return nil
	}
	if _, err := auth.ReadRevocations(s.RevokedFile); err != nil {
		return fmt.Errorf("--%s: %w", auth.FileRevoked, err)
	}
	return nil
}

// tokens verifies tokens and makes challenges, and follows the files that say with what while it
// is open.
type tokens struct {
	verifier *auth.Verifier
	follower *auth.Follower
	gate     *workGate // nil when buys need no work
	files    []*watched.File
	stop     context.CancelFunc
	stopped  chan struct{}
}

// openTokens reads the files; optional says that there need be no secrets. A change of a file has
// a line in the audit log.
func (s *processSettings) openTokens(secretFile string, optional bool, audit *auditlog.Log, log *slog.Logger) (*tokens, error) {
	t := &tokens{stopped: make(chan struct{})}
	told := func(name string, now map[string]any, err error) { auditFile(audit, name, now, err) }
	config := auth.FollowConfig{Secrets: secretFile, SecretsOptional: optional, Keys: s.Tokens.KeyFile, Revoked: s.Tokens.RevokedFile,
		Tokens: s.Tokens.config(), Told: told, Logger: log}
	if s.ChallengeBits > 0 {
		t.gate = &workGate{bits: s.ChallengeBits}
		if s.ChallengeSecretFile == "" {
			config.Taken = t.gate.take
		}
	}
	var err error
	if t.follower, err = auth.Follow(config); err != nil {
		return nil, err
	}
	t.verifier, t.files = t.follower.Verifier(), t.follower.Files()
	if t.gate != nil && s.ChallengeSecretFile != "" {
		own, err := watched.Open(watched.Config{Name: fileChallenge, Path: s.ChallengeSecretFile, Read: secretfile.Read, Take: t.gate.takeFile,
			Told: told, Clock: time.Now, Logger: log})
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", fileChallenge, err)
		}
		t.files = append(t.files, own)
	}
	if t.gate != nil && t.gate.work.Load() == nil {
		return nil, errNoChallengeSecret
	}
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	go t.run(ctx)
	return t, nil
}

// run looks at the files until ctx ends.
func (t *tokens) run(ctx context.Context) {
	defer close(t.stopped)
	ticker := time.NewTicker(watched.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			for _, file := range t.files {
				_ = file.Look() // it has told why, and Trouble does
			}
		}
	}
}

// reread looks at all files at once; the secrets may be in another one from now on.
func (t *tokens) reread(secretFile string) error {
	errs := []error{t.follower.MoveSecrets(secretFile)}
	for _, file := range t.files {
		if err := file.Look(); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", file.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// trouble says since when a file does not load, and why; nil while all do.
func (t *tokens) trouble() (since *time.Time, why string) {
	for _, file := range t.files {
		if at, reason := file.Trouble(); at != nil && (since == nil || at.Before(*since)) {
			since, why = at, "--"+file.Name()+": "+reason
		}
	}
	return since, why
}

// metrics are of the files.
func (t *tokens) metrics() prometheus.Collector {
	set, labels := new(metric.Set), []string{"file"}
	each := func(read func(*watched.File) float64) func(metric.Show) {
		return func(show metric.Show) {
			for _, file := range t.files {
				show(read(file), file.Name())
			}
		}
	}
	set.Counters("onsale_token_file_reads_total", "Contents of the files of tokens that were taken, the first one included.", labels,
		each(func(f *watched.File) float64 { taken, _ := f.Stats(); return float64(taken) }))
	set.Counters("onsale_token_file_refused_total", "Contents of the files of tokens that did not do.", labels,
		each(func(f *watched.File) float64 { _, refused := f.Stats(); return float64(refused) }))
	set.Gauges("onsale_token_file_stale", "1 while a file of tokens does not load and what was read before is in force.", labels,
		each(func(f *watched.File) float64 { since, _ := f.Trouble(); return metric.Bool(since != nil) }))
	return set
}

// close stops following the files; t may be nil.
func (t *tokens) close() {
	if t != nil {
		t.stop()
		<-t.stopped
	}
}
