package ticket

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"onsale/internal/secretfile"
	"onsale/sequencer"
)

const (
	// SecretsMax bounds the secrets of a file.
	SecretsMax = 8
	// secretBytes is the length of one, which the file has in hexadecimal.
	secretBytes = 32
	// derivedPrefix is what a secret is made a key for, before the birth's id.
	derivedPrefix = "onsale ticket key 1 "
)

// ErrSecrets is returned for a file that has no secrets of tickets.
var ErrSecrets = errors.New("no ticket key file")

// Secrets are what a cluster's nodes sign tickets with: the newest signs, all verify. They may be
// used by several goroutines.
type Secrets struct {
	mu      sync.RWMutex
	secrets [][]byte // newest first; never changed in place
	keys    map[sequencer.ClusterID][]ed25519.PrivateKey
	signed  atomic.Uint64
}

// ReadSecrets reads a file: a secret of 64 hexadecimal digits a line, the newest first, which
// nobody but its owner may read (package secretfile).
func ReadSecrets(path string) (*Secrets, error) {
	secrets, err := parseFile(path)
	if err != nil {
		return nil, err
	}
	return &Secrets{secrets: secrets, keys: map[sequencer.ClusterID][]ed25519.PrivateKey{}}, nil
}

// Take lets the secrets be those of another one, which is not used any more.
func (s *Secrets) Take(fresh *Secrets) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets, s.keys = fresh.secrets, map[sequencer.ClusterID][]ed25519.PrivateKey{}
}

func parseFile(path string) (secrets [][]byte, err error) {
	data, err := secretfile.Read(path)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for i, line := range secretfile.Lines(data) {
		secret, err := hex.DecodeString(string(line))
		if err != nil || len(secret) != secretBytes || known[string(secret)] {
			return nil, fmt.Errorf("%w: line %d of %s is not %d hexadecimal digits of its own", ErrSecrets, i+1, path, 2*secretBytes)
		}
		known[string(secret)] = true
		secrets = append(secrets, secret)
	}
	if len(secrets) < 1 || len(secrets) > SecretsMax {
		return nil, fmt.Errorf("%w: %s has %d keys, expected are 1 to %d", ErrSecrets, path, len(secrets), SecretsMax)
	}
	return secrets, nil
}

// Sign returns the code of a ticket.
func (s *Secrets) Sign(t *Ticket) string {
	s.signed.Add(1)
	return sign(s.of(t.Birth)[0], t)
}

// of returns a birth's keys, newest first. A cluster has few births, so that they are kept.
func (s *Secrets) of(birth sequencer.ClusterID) []ed25519.PrivateKey {
	s.mu.RLock()
	keys := s.keys[birth]
	s.mu.RUnlock()
	if keys != nil {
		return keys
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		seed, err := hkdf.Key(sha256.New, secret, nil, derivedPrefix+string(birth[:]), ed25519.SeedSize)
		if err != nil {
			panic(err) // it is for lengths beyond 8,160 bytes
		}
		keys = append(keys, ed25519.NewKeyFromSeed(seed))
	}
	s.keys[birth] = keys
	return keys
}
