package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"onsale/api/auth"
	"onsale/internal/secretfile"
	"onsale/raftfsm/folder"
)

// Errors of a secret that nobody named.
var (
	// errNoSecret is returned when several nodes would each make their own secret.
	errNoSecret = errors.New("several nodes need the same --secret-file")
	// errSecretGone is returned when a data folder has served, and has no secret.
	errSecretGone = errors.New("the data folder is not new and has no token-secret")
)

// loadSecrets reads the tokens' secrets; one node alone makes its own at the first start.
func loadSecrets(s *settings) ([][]byte, error) {
	if s.makesSecret() {
		if err := secretfile.Make(s.secretPath()); err != nil {
			return nil, fmt.Errorf("make the token secret: %w", err)
		}
	}
	return s.readSecrets()
}

// makesSecret reports whether the node makes its own secret when it starts: alone, and in a
// folder that never served. Another one in an old folder would end every token that was
// given out, and hide that the node ran with a --secret-file before.
func (s *settings) makesSecret() bool {
	if s.SecretFile != "" || !s.alone() || isThere(s.secretPath()) {
		return false
	}
	is, err := folder.ReadIdentity(s.Node.DataDir)
	return errors.Is(err, fs.ErrNotExist) || err == nil && is.Start == 0 // of a backup, it has not served
}

// readSecrets reads the tokens' secrets, the newest first. Several nodes must be given the same, or
// none when --jwks-file has the keys of all who sign tokens.
func (s *settings) readSecrets() ([][]byte, error) {
	secrets, err := auth.ReadSecrets(s.secretPath())
	switch {
	case err == nil:
		return secrets, nil
	case !errors.Is(err, fs.ErrNotExist) || s.SecretFile != "":
		return nil, fmt.Errorf("--%s: %w", auth.FileSecrets, err)
	case s.makesSecret(): // when it starts
		return [][]byte{make([]byte, auth.SecretBytesMin)}, nil
	case s.alone():
		return nil, fmt.Errorf("%w (%s): give the --secret-file with which it ran, or copy it back; "+
			"`onsale secret %s` makes another one, and tokens that were given out stop working",
			errSecretGone, s.secretPath(), s.secretPath())
	case s.Tokens.KeyFile != "":
		return nil, nil
	}
	return nil, fmt.Errorf("%w: make one with `onsale secret FILE` and give it to each", errNoSecret)
}

// secretsOptional reports whether the node may run without secrets.
func (s *settings) secretsOptional() bool { return s.SecretFile == "" && s.Tokens.KeyFile != "" }

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// readSecret reads the newest secret of a file: the one that signs.
func readSecret(path string) ([]byte, error) {
	secrets, err := auth.ReadSecrets(path)
	if err != nil {
		return nil, err
	}
	return secrets[0], nil
}

// newSecret makes files with secrets.
func newSecret(p *program) *cobra.Command {
	return &cobra.Command{Use: "secret FILE…", Short: "Make files with random secrets", Args: arguments(cobra.MinimumNArgs(1)),
		Long: `Makes each file with a secret of its own, 32 random bytes, that only you can read: for
--secret-file, --peer-secret-file, --pseudonyms-file and the --payment-secret-file of the
sandbox. One that is there is not changed, and an error.`,
		Example: "  onsale secret token-secret peer-secret",
		RunE: func(_ *cobra.Command, paths []string) error {
			for _, path := range paths {
				if isThere(path) {
					return fmt.Errorf("%s: %w", path, fs.ErrExist)
				}
				if err := secretfile.Make(path); err != nil {
					return err
				}
				fmt.Fprintln(p.out, "made", path)
			}
			return nil
		}}
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
