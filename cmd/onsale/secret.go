package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"onsale/api/auth"
)

// errNoSecret is returned when several nodes would each make their own secret.
var errNoSecret = errors.New("several nodes need the same --secret-file")

// loadSecret reads the tokens' secret; one node alone makes its own at the first start.
func loadSecret(s *settings) ([]byte, error) {
	if _, err := os.Stat(s.secretPath()); s.alone() && errors.Is(err, os.ErrNotExist) {
		if err := makeSecret(s.secretPath()); err != nil {
			return nil, fmt.Errorf("make the token secret: %w", err)
		}
	}
	return s.readSecret()
}

// readSecret reads the tokens' secret. Several nodes must be given the same, or none when
// --jwks-file has the keys of all who sign tokens.
func (s *settings) readSecret() ([]byte, error) {
	secret, err := readSecret(s.secretPath())
	switch {
	case err == nil:
		return secret, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("--secret-file: %w", err)
	case s.alone(): // it will make one
		return make([]byte, auth.SecretBytesMin), nil
	case s.Tokens.KeyFile != "" && s.SecretFile == "":
		return nil, nil
	}
	return nil, fmt.Errorf("%w: make one with `openssl rand -hex 32 > FILE` and give it to each", errNoSecret)
}

// makeSecret creates a secret file that is never seen in part: a crash leaves
// either none or a whole one, and of two processes that make it both read the
// first one's.
func makeSecret(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".token-secret-") // for the owner alone
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // renamed when all went well
	fresh := make([]byte, auth.SecretBytesMin)
	rand.Read(fresh) // never fails
	_, err = f.WriteString(hex.EncodeToString(fresh) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// readSecret reads a secret file; white space around the secret does not count.
func readSecret(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("token secret: %w", err)
	}
	secret := bytes.TrimSpace(data)
	if len(secret) < auth.SecretBytesMin {
		return nil, fmt.Errorf("%w: %s has %d bytes, at least %d are needed", auth.ErrBadConfig, path, len(secret), auth.SecretBytesMin)
	}
	return secret, nil
}

// issue makes a token for a user and roles.
func issue(secret []byte, user string, roles auth.Roles, lifetime time.Duration) (string, error) {
	now, accepted := time.Now(), auth.DefaultConfig()
	return auth.Issue(secret, auth.Claims{
		User: user, Roles: roles, Issuer: accepted.Issuer, Audience: accepted.Audience, Issued: now, Expires: now.Add(lifetime),
	})
}

const secretFileHelp = "file with the tokens' secret, as the nodes have it (data/token-secret of one node alone)"

// newToken prints tokens: for tests and operators. Buyers get theirs where they
// log in.
func newToken(p *program) *cobra.Command {
	var user, secretFile string
	var count int
	var roles []string
	var lifetime time.Duration
	c := &cobra.Command{Use: "token", Short: "Make a token", Args: arguments(cobra.NoArgs),
		Example: "  onsale token --secret-file data/token-secret --user alice",
		RunE: func(*cobra.Command, []string) error {
			secret, err := readSecret(secretFile)
			if err != nil {
				return err
			}
			if count < 1 {
				return fmt.Errorf("%w: --count is %d, at least 1 is needed", errUsage, count)
			}
			parsed, err := auth.ParseRoles(roles)
			if err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return p.printTokens(secret, user, count, parsed, lifetime)
		}}
	c.Flags().StringVar(&user, "user", "", "whom it speaks for")
	c.Flags().IntVar(&count, "count", 1, "how many; more than one are for USER-1, USER-2, …, for load tools")
	c.Flags().StringSliceVar(&roles, "role", []string{"buyer"}, "buyer, seller, operator, auditor")
	c.Flags().DurationVar(&lifetime, "lifetime", 24*time.Hour, "time for which it is valid")
	c.Flags().StringVar(&secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
	_ = c.MarkFlagRequired("user") // the flag is declared above
	return c
}

// printTokens prints a token a line.
func (p *program) printTokens(secret []byte, user string, count int, roles auth.Roles, lifetime time.Duration) error {
	out := bufio.NewWriter(p.out)
	for i := range count {
		name := user
		if count > 1 {
			name = fmt.Sprintf("%s-%d", user, i+1)
		}
		token, err := issue(secret, name, roles, lifetime)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, token) // a bufio.Writer keeps its first error for Flush
	}
	return out.Flush()
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
