package challenge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strconv"
	"sync"
	"time"
)

// The bounds of a WorkConfig. 20 bits are a million hashes: a tenth of a second
// of a program, a second or two of a page on a telephone. 30 bits are a thousand
// times that.
const (
	DifficultyBitsMin = 1
	DifficultyBitsMax = 30
	SecretBytesMin    = 32
	SecretsMax        = 8 // each costs a hash for an answer that is nobody's
	WindowMin         = 10 * time.Second
	WindowMax         = time.Hour
)

// WorkConfig says how much work is asked.
type WorkConfig struct {
	// Secrets, the newest first: that one makes challenges, answers to those of all count.
	// Processes that take each other's answers have the same. A key is derived from each, so
	// that it may serve other purposes.
	Secrets [][]byte
	// DifficultyBits is how many zero bits are asked: each doubles the work.
	DifficultyBits int
	// Window is how long a challenge lives at least; it lives up to twice that.
	Window time.Duration
}

// DefaultWindow leaves time for the slowest telephone.
const DefaultWindow = 5 * time.Minute

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *WorkConfig) Validate() error {
	for i, secret := range c.Secrets {
		if len(secret) < SecretBytesMin {
			return fmt.Errorf("%w: secret %d has %d bytes, at least %d are needed", ErrBadConfig, i+1, len(secret), SecretBytesMin)
		}
	}
	switch {
	case len(c.Secrets) < 1 || len(c.Secrets) > SecretsMax:
		return fmt.Errorf("%w: %d secrets, allowed are 1 to %d", ErrBadConfig, len(c.Secrets), SecretsMax)
	case c.DifficultyBits < DifficultyBitsMin || c.DifficultyBits > DifficultyBitsMax:
		return fmt.Errorf("%w: %d bits of difficulty, allowed is %d to %d", ErrBadConfig, c.DifficultyBits, DifficultyBitsMin, DifficultyBitsMax)
	case c.Window < WindowMin || c.Window > WindowMax:
		return fmt.Errorf("%w: a window of %v, allowed is %v to %v", ErrBadConfig, c.Window, WindowMin, WindowMax)
	}
	return nil
}

// Work is the gate that asks for work. It keeps nothing of any buyer.
type Work struct {
	bits   int
	window int64    // seconds
	keys   []*keyed // of the secrets, the newest first
}

// keyed makes MACs with the key of one secret.
type keyed struct{ signers sync.Pool }

func newKeyed(secret []byte) *keyed {
	derive := hmac.New(sha256.New, secret)
	_, _ = derive.Write([]byte("onsale challenge 1")) // never fails
	key, k := derive.Sum(nil), &keyed{}
	k.signers.New = func() any { return &signer{keyed: hmac.New(sha256.New, key)} }
	return k
}

var _ Issuer = (*Work)(nil)

// NewWork returns a gate, or ErrBadConfig.
func NewWork(config WorkConfig) (*Work, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	w := &Work{bits: config.DifficultyBits, window: int64(config.Window / time.Second)}
	for _, secret := range config.Secrets {
		w.keys = append(w.keys, newKeyed(secret))
	}
	return w, nil
}

// signer makes MACs; it is pooled, so that checking allocates nothing.
type signer struct {
	keyed  hash.Hash
	buffer []byte
	sum    []byte
}

// mac returns the MAC of claims for a user. No claims have a line feed, so no two
// pairs of them and a user are signed alike.
func (k *keyed) mac(claims []byte, user string) (mac [macBytes]byte) {
	s := k.signers.Get().(*signer)
	s.buffer = append(append(append(s.buffer[:0], claims...), '\n'), user...)
	s.keyed.Reset()
	_, _ = s.keyed.Write(s.buffer) // never fails
	s.sum = s.keyed.Sum(s.sum[:0])
	copy(mac[:], s.sum)
	k.signers.Put(s)
	return mac
}

// Issue returns the user's challenge at now: the same one throughout a window.
func (w *Work) Issue(user string, now time.Time) Challenge {
	expires := (now.Unix()/w.window + 2) * w.window
	claims := append([]byte(version), '.')
	claims = strconv.AppendInt(claims, int64(w.bits), 10)
	claims = append(claims, '.')
	claims = strconv.AppendInt(claims, expires, 10)
	mac := w.keys[0].mac(claims, user)
	text := base64.RawURLEncoding.AppendEncode(append(claims, '.'), mac[:])
	return Challenge{Text: string(text), DifficultyBits: w.bits, Expires: time.Unix(expires, 0).UTC()}
}

// Check returns nil when the answer is the solution of a challenge that was made
// for the user and has not ended. What is cheaper to check comes first.
func (w *Work) Check(user string, token []byte, now time.Time) error {
	if len(token) == 0 {
		return ErrRequired
	}
	a, ok := parse(token)
	switch {
	case !ok:
		return ErrMalformed
	case now.Unix() >= a.expires:
		return ErrExpired
	case a.bits < w.bits || zeroBits(token) < a.bits:
		return ErrUnsolved
	}
	for _, key := range w.keys {
		if want := key.mac(a.claims, user); hmac.Equal(want[:], a.mac[:]) {
			return nil
		}
	}
	return ErrForeign
}
