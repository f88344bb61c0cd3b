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
	WindowMin         = 10 * time.Second
	WindowMax         = time.Hour
)

// WorkConfig says how much work is asked.
type WorkConfig struct {
	// Secret makes challenges; all processes that take each other's answers
	// have the same. A key is derived from it, so it may serve other purposes.
	Secret []byte
	// DifficultyBits is how many zero bits are asked: each doubles the work.
	DifficultyBits int
	// Window is how long a challenge lives at least; it lives up to twice that.
	Window time.Duration
}

// DefaultWindow leaves time for the slowest telephone.
const DefaultWindow = 5 * time.Minute

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *WorkConfig) Validate() error {
	switch {
	case len(c.Secret) < SecretBytesMin:
		return fmt.Errorf("%w: the secret has %d bytes, at least %d are needed", ErrBadConfig, len(c.Secret), SecretBytesMin)
	case c.DifficultyBits < DifficultyBitsMin || c.DifficultyBits > DifficultyBitsMax:
		return fmt.Errorf("%w: %d bits of difficulty, allowed is %d to %d", ErrBadConfig, c.DifficultyBits, DifficultyBitsMin, DifficultyBitsMax)
	case c.Window < WindowMin || c.Window > WindowMax:
		return fmt.Errorf("%w: a window of %v, allowed is %v to %v", ErrBadConfig, c.Window, WindowMin, WindowMax)
	}
	return nil
}

// Work is the gate that asks for work. It keeps nothing of any buyer.
type Work struct {
	bits    int
	window  int64 // seconds
	signers sync.Pool
}

var _ Issuer = (*Work)(nil)

// NewWork returns a gate, or ErrBadConfig.
func NewWork(config WorkConfig) (*Work, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	derive := hmac.New(sha256.New, config.Secret)
	_, _ = derive.Write([]byte("onsale challenge 1")) // never fails
	key := derive.Sum(nil)
	w := &Work{bits: config.DifficultyBits, window: int64(config.Window / time.Second)}
	w.signers.New = func() any { return &signer{keyed: hmac.New(sha256.New, key)} }
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
func (w *Work) mac(claims []byte, user string) (mac [macBytes]byte) {
	s := w.signers.Get().(*signer)
	s.buffer = append(append(append(s.buffer[:0], claims...), '\n'), user...)
	s.keyed.Reset()
	_, _ = s.keyed.Write(s.buffer) // never fails
	s.sum = s.keyed.Sum(s.sum[:0])
	copy(mac[:], s.sum)
	w.signers.Put(s)
	return mac
}

// Issue returns the user's challenge at now: the same one throughout a window.
func (w *Work) Issue(user string, now time.Time) Challenge {
	expires := (now.Unix()/w.window + 2) * w.window
	claims := append([]byte(version), '.')
	claims = strconv.AppendInt(claims, int64(w.bits), 10)
	claims = append(claims, '.')
	claims = strconv.AppendInt(claims, expires, 10)
	mac := w.mac(claims, user)
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
	if want := w.mac(a.claims, user); !hmac.Equal(want[:], a.mac[:]) {
		return ErrForeign
	}
	return nil
}
