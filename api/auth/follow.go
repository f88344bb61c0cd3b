package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"onsale/internal/secretfile"
	"onsale/internal/watched"
)

// The names of the settings that name files of tokens.
const (
	FileSecrets = "secret-file"
	FileKeys    = "jwks-file"
	FileRevoked = "revoked-file"
)

// FollowConfig says from which files a verifier has its secrets, keys and revocations.
type FollowConfig struct {
	// Secrets is the path of the secrets that sign tokens; "" for none.
	Secrets string
	// SecretsOptional says that there need be no such file as long as there was none.
	SecretsOptional bool
	// Keys is the path of the JSON Web Key Set of Tokens.Provider; "" for none.
	Keys string
	// Revoked is the path of the tokens that were taken back; "" for none.
	Revoked string
	// Tokens needs neither secrets nor keys: they come from the files.
	Tokens Config
	// Taken gets the secrets, newest first, when they are in force; nil for nobody.
	Taken func(secrets [][]byte)
	// Told is watched.Config's.
	Told   func(name string, now map[string]any, err error)
	Logger *slog.Logger
}

// Follower keeps a verifier in step with files. One that does not load changes nothing.
type Follower struct {
	config   FollowConfig
	verifier *Verifier
	secrets  *watched.File
	files    []*watched.File // all of them

	mu     sync.Mutex // one change at a time
	opened bool       // the verifier has a configuration
	tokens Config
}

// Follow reads the files and returns what keeps a verifier in step with them, or why one does not
// load. Let somebody look at Files from time to time.
func Follow(config FollowConfig) (*Follower, error) {
	if config.Keys != "" && config.Tokens.Provider == nil {
		return nil, fmt.Errorf("%w: a file of keys needs the issuer and audience of its tokens", ErrBadConfig)
	}
	f := &Follower{config: config, verifier: newVerifier(), tokens: config.Tokens}
	secrets, err := f.open(FileSecrets, config.Secrets, f.readSecrets, f.takeSecrets)
	if err != nil {
		return nil, err
	}
	f.secrets = secrets
	if config.Keys != "" {
		if _, err := f.open(FileKeys, config.Keys, nil, f.takeKeys); err != nil {
			return nil, err
		}
	}
	if config.Revoked != "" {
		if _, err := f.open(FileRevoked, config.Revoked, nil, f.takeRevoked); err != nil {
			return nil, err
		}
	}
	f.opened = true
	return f, f.verifier.Configure(f.tokens)
}

func (f *Follower) open(name, path string, read func(string) ([]byte, error), take func([]byte) (map[string]any, error)) (*watched.File, error) {
	file, err := watched.Open(watched.Config{Name: name, Path: path, Read: read, Take: take,
		Told: f.config.Told, Clock: f.config.Tokens.Clock, Logger: f.config.Logger})
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", name, err)
	}
	f.files = append(f.files, file)
	return file, nil
}

// Verifier returns the verifier that is kept in step.
func (f *Follower) Verifier() *Verifier { return f.verifier }

// Files returns the files, to be looked at.
func (f *Follower) Files() []*watched.File { return f.files }

// MoveSecrets takes the secrets of another file from now on; an error changes nothing.
func (f *Follower) MoveSecrets(path string) error { return f.secrets.Move(path) }

// readSecrets returns nil where there need be no secrets.
func (f *Follower) readSecrets(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := secretfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) && f.config.SecretsOptional && !f.hasSecrets() {
		return nil, nil
	}
	return data, err
}

func (f *Follower) hasSecrets() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tokens.Secrets) > 0
}

// change puts a changed configuration in force.
func (f *Follower) change(change func(*Config)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := f.tokens
	change(&changed)
	if f.opened {
		if err := f.verifier.Configure(changed); err != nil {
			return err
		}
	}
	f.tokens = changed
	return nil
}

func (f *Follower) takeSecrets(data []byte) (map[string]any, error) {
	var secrets [][]byte
	if data != nil {
		var err error
		if secrets, err = ParseSecrets(data); err != nil {
			return nil, err
		}
	}
	if err := f.change(func(c *Config) { c.Secrets = secrets }); err != nil {
		return nil, err
	}
	if f.config.Taken != nil && len(secrets) > 0 {
		f.config.Taken(secrets)
	}
	return map[string]any{"kids": KeyIDs(secrets)}, nil
}

func (f *Follower) takeKeys(data []byte) (map[string]any, error) {
	keys, leftOut, err := ParseKeys(data)
	if err != nil {
		return nil, err
	}
	if err := f.change(func(c *Config) {
		provider := *c.Provider
		provider.Keys = keys
		c.Provider = &provider
	}); err != nil {
		return nil, err
	}
	for _, why := range leftOut {
		f.config.Logger.Warn("a key was left out", "setting", FileKeys, "why", why)
	}
	f.verifier.leftOut.Store(int64(len(leftOut)))
	return map[string]any{"keys": len(keys), "left_out": len(leftOut)}, nil
}

func (f *Follower) takeRevoked(data []byte) (map[string]any, error) {
	revoked, err := ParseRevocations(data)
	if err != nil {
		return nil, err
	}
	f.verifier.Revoke(revoked)
	return map[string]any{"revocations": revoked.Len()}, nil
}
