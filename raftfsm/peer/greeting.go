package peer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
)

// nonceBytes is the length of the random bytes that each side brings, so that a proof is
// good for one connection.
const nonceBytes = 24

type nonce [nonceBytes]byte

func newNonce() (n nonce) {
	rand.Read(n[:]) // never fails
	return n
}

// greetingBytes is the length of what the listener says first:
//
//	offset  bytes  greeting
//	0       4      "ONSP"
//	4       1      version (4)
//	5       3      zero
//	8       24     nonce of the listener
//
// Magic and version stay where they are in every version. A program of version 2 says its
// hello first and reads 25 bytes of the answer: it finds the version there. One that is
// called by this one waits for a hello, and says nothing.
const greetingBytes = 8 + nonceBytes

const (
	magic = "ONSP"
	// helloVersion is the version of greeting, hello and answer.
	helloVersion = 4
	// prefixBytes is what all versions have in common.
	prefixBytes = len(magic) + 1
)

func appendPrefix(dst []byte) []byte { return append(append(dst, magic...), helloVersion) }

func (n *nonce) greeting() []byte {
	return append(append(appendPrefix(nil), 0, 0, 0), n[:]...)
}

func readGreeting(in io.Reader) (n nonce, err error) {
	if err := readPrefix(in); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("%w; a program that knows version 2 waits for its caller's hello", err)
		}
		return n, err
	}
	var rest [greetingBytes - prefixBytes]byte
	if _, err := io.ReadFull(in, rest[:]); err != nil {
		return n, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return nonce(rest[len(rest)-nonceBytes:]), nil
}

// readPrefix reads magic and version, and nothing behind them, because another version may
// have less.
func readPrefix(in io.Reader) error {
	var data [prefixBytes]byte
	if _, err := io.ReadFull(in, data[:]); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if string(data[:len(magic)]) != magic {
		return fmt.Errorf("%w: it begins with %q, expected is %q", ErrProtocol, data[:len(magic)], magic)
	}
	if version := data[len(magic)]; version != helloVersion {
		return fmt.Errorf("%w: hello version %d, this program knows %d", ErrVersion, version, helloVersion)
	}
	return nil
}
