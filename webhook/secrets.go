package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"onsale/internal/secretfile"
)

// Bounds of an endpoint's secrets: of their number, and of the bytes of each (Standard Webhooks
// asks for 24 to 64).
const (
	SecretsMax     = 4
	SecretBytesMin = 24
	SecretBytesMax = 64
)

// secretPrefix is how a secret may begin, so that people and scanners know what it is.
const secretPrefix = "whsec_"

// ErrSecret is returned for a file that has no secrets, too many, or one that is none.
var ErrSecret = errors.New("is no file of webhooks' secrets")

// signer signs with every secret that is in force.
type signer struct {
	keys atomic.Pointer[[]*standard.Webhook]
}

// take puts the secrets of a file in force, a line each, the newest first.
func (s *signer) take(content []byte) (now map[string]any, err error) {
	lines := secretfile.Lines(content)
	if len(lines) == 0 || len(lines) > SecretsMax {
		return nil, fmt.Errorf("it %w: %d lines, 1 to %d are wanted", ErrSecret, len(lines), SecretsMax)
	}
	keys := make([]*standard.Webhook, 0, len(lines))
	for n, line := range lines {
		key, err := parseSecret(string(line))
		if err != nil {
			return nil, fmt.Errorf("line %d %w", n+1, err)
		}
		keys = append(keys, key)
	}
	s.keys.Store(&keys)
	return map[string]any{"secrets": len(keys)}, nil
}

// parseSecret reads base64, with the prefix or without, as the receivers' libraries do. The error
// does not have the secret.
func parseSecret(line string) (*standard.Webhook, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, secretPrefix))
	if err != nil || len(key) < SecretBytesMin || len(key) > SecretBytesMax {
		return nil, fmt.Errorf("%w: a secret is %s and %d to %d bytes in base64", ErrSecret, secretPrefix, SecretBytesMin, SecretBytesMax)
	}
	return standard.NewWebhookRaw(key)
}

// sign returns the signatures of an event at a time, one with each secret: a receiver that knows
// any of them verifies it, so that the two sides need not change theirs together.
func (s *signer) sign(id string, at time.Time, body []byte) (string, error) {
	var signatures []string
	for _, key := range *s.keys.Load() {
		signature, err := key.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " "), nil
}
