package auth

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// keyFileBytesMax bounds a file of keys: 64 RSA keys with their certificates.
const keyFileBytesMax = 1 << 20

// keyFileInterval is how often the file is looked at.
const keyFileInterval = time.Second

// KeyFile keeps a verifier's keys in step with a file that holds a JSON Web Key
// Set. A file that does not do is logged and changes nothing: the keys that were
// read before stay in force.
type KeyFile struct {
	path     string
	verifier *Verifier
	logger   *slog.Logger

	mu      sync.Mutex // Look and Configure exclude each other
	config  Config
	read    []byte // what was read last, good or bad
	refusal error  // why it was not taken
	logged  string // what was logged of the file as it is
}

// OpenKeyFile returns a key file and its verifier. The configuration's Provider
// needs no keys: they come from the file.
func OpenKeyFile(path string, config Config, logger *slog.Logger) (*KeyFile, error) {
	if config.Provider == nil {
		return nil, fmt.Errorf("%w: a file of keys needs the issuer and audience of its tokens", ErrBadConfig)
	}
	k := &KeyFile{path: path, config: config, verifier: &Verifier{}, logger: logger}
	data, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	return k, k.take(data)
}

// Verifier returns the verifier with the file's keys.
func (k *KeyFile) Verifier() *Verifier { return k.verifier }

// Run looks at the file every second until ctx ends.
func (k *KeyFile) Run(ctx context.Context) {
	ticker := time.NewTicker(keyFileInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			k.Look()
		}
	}
}

// Look takes the file's keys when it changed. The content is compared, not the
// time of the change: a set is a few kilobytes, and no replacement is missed.
func (k *KeyFile) Look() {
	data, err := readKeyFile(k.path)
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := err == nil && !bytes.Equal(data, k.read)
	switch {
	case changed:
		err = k.take(data)
	case err == nil:
		err = k.refusal
	}
	k.verifier.stale.Store(err != nil)
	switch {
	case err == nil && changed:
		k.logger.Info("token keys were read again", "file", k.path, "keys", k.verifier.providerKeys())
	case err != nil && err.Error() != k.logged:
		k.logger.Error("the file of token keys does not load; the old keys stay in force", "error", err)
	}
	k.logged = ""
	if err != nil {
		k.logged = err.Error()
	}
}

// Configure replaces the configuration; the keys of the file go on. When it does not do,
// the one before stays in force.
func (k *KeyFile) Configure(config Config) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.config
	k.config = config
	data, err := readKeyFile(k.path)
	if err == nil {
		err = k.take(data)
	}
	if err != nil {
		k.config = before
	}
	return err
}

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("token keys: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, keyFileBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("token keys: %s: %w", path, err)
	}
	if len(data) > keyFileBytesMax {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrBadConfig, path, keyFileBytesMax)
	}
	return data, nil
}

// take puts the keys of a file's content in force.
func (k *KeyFile) take(data []byte) error {
	keys, err := ParseKeys(data)
	if err == nil {
		config, provider := k.config, *k.config.Provider
		provider.Keys = keys
		config.Provider = &provider
		err = k.verifier.Configure(config)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", k.path, err)
	}
	k.read, k.refusal = data, err
	return err
}
