package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"onsale/internal/secretfile"
)

// SecretsMax bounds the secrets that are in force at once: each token without the id of one costs
// a hash for each.
const SecretsMax = 8

// keyIDBytes is how much of a secret's SHA-256 its id shows: enough to tell a few apart, and of a
// random secret it tells nothing.
const keyIDBytes = 4

// KeyID returns the id of a secret, which the header of its tokens names as kid: the first 8
// hexadecimal digits of its SHA-256.
func KeyID(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:keyIDBytes])
}

// KeyIDs returns the ids of secrets, in their order.
func KeyIDs(secrets [][]byte) []string {
	ids := make([]string, len(secrets))
	for i, secret := range secrets {
		ids[i] = KeyID(secret)
	}
	return ids
}

// ReadSecrets reads a file of secrets, as ParseSecrets takes them.
func ReadSecrets(path string) ([][]byte, error) {
	data, err := secretfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	secrets, err := ParseSecrets(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secrets, nil
}

// ParseSecrets reads secrets, one a line, the newest first: that one signs, all verify. White space
// around one does not count, and empty lines do not. ErrBadConfig names the line that is wrong.
func ParseSecrets(data []byte) (secrets [][]byte, err error) {
	lines, number := map[string]int{}, 0
	for line := range bytes.Lines(data) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		id := KeyID(line)
		switch {
		case len(line) < SecretBytesMin:
			return nil, fmt.Errorf("%w: the secret in line %d has %d bytes, at least %d are needed", ErrBadConfig, number, len(line), SecretBytesMin)
		case lines[id] > 0:
			return nil, fmt.Errorf("%w: line %d has the secret of line %d", ErrBadConfig, number, lines[id])
		case len(secrets) == SecretsMax:
			return nil, fmt.Errorf("%w: line %d has one secret more than the %d that are allowed", ErrBadConfig, number, SecretsMax)
		}
		lines[id] = number
		secrets = append(secrets, bytes.Clone(line))
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%w: there is no secret: 0 bytes, at least %d are needed", ErrBadConfig, SecretBytesMin)
	}
	return secrets, nil
}
