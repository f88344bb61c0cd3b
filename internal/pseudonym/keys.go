package pseudonym

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"

	"onsale/internal/secretfile"
	"onsale/sequencer"
)

// KeysMax bounds the keys of a file: that of new sales, and those of sales that are not over.
const KeysMax = 4

// keyBytesMin is the least length of a key: shorter than the hash, it could be guessed more easily
// than that.
const keyBytesMin = 32

// hashedPrefix is what is hashed in front of a user, so that a secret that serves for something
// else too makes no pseudonyms there.
const hashedPrefix = "onsale pseudonym 1\x00"

// sumBytes is how much of a hash a pseudonym has: of 2^64 users two share one with a probability of
// 2^-33.
const sumBytes = 20

// ErrKeys is returned for a file that has no keys of pseudonyms; the message says which line.
var ErrKeys = errors.New("no pseudonyms file")

// Keys make pseudonyms. They never change, and may be used by several goroutines; nil has none.
type Keys struct {
	keys []*key // the newest first
}

type key struct {
	id     sequencer.PseudonymKeyID
	hashes sync.Pool // of hash.Hash that have the key in them
}

// Read reads a file that nobody but its owner may read (package secretfile): a key a line, of at
// least 32 random bytes, the newest first.
func Read(path string) (*Keys, error) {
	data, err := secretfile.Read(path)
	if err != nil {
		return nil, err
	}
	keys, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// Parse reads the content of such a file.
func Parse(data []byte) (*Keys, error) {
	k := &Keys{}
	for i, line := range secretfile.Lines(data) {
		id := idOf(line)
		switch {
		case len(line) < keyBytesMin:
			return nil, fmt.Errorf("%w: key %d has %d bytes, at least %d are needed", ErrKeys, i+1, len(line), keyBytesMin)
		case id == 0 || k.Has(id):
			return nil, fmt.Errorf("%w: key %d has the id of another one: is it there twice?", ErrKeys, i+1)
		case len(k.keys) == KeysMax:
			return nil, fmt.Errorf("%w: key %d is one more than the %d that are allowed", ErrKeys, i+1, KeysMax)
		}
		k.keys = append(k.keys, newKey(id, bytes.Clone(line)))
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("%w: there is no key: 0 bytes, at least %d are needed", ErrKeys, keyBytesMin)
	}
	return k, nil
}

func newKey(id sequencer.PseudonymKeyID, secret []byte) *key {
	k := &key{id: id}
	k.hashes.New = func() any { return hmac.New(sha256.New, secret) }
	return k
}

// idOf returns the beginning of a key's SHA-256: enough to tell a few apart, and of a random key it
// tells nothing.
func idOf(secret []byte) sequencer.PseudonymKeyID {
	sum := sha256.Sum256(secret)
	return sequencer.PseudonymKeyID(binary.BigEndian.Uint32(sum[:]))
}

// Newest returns the key of new sales; 0 without any.
func (k *Keys) Newest() sequencer.PseudonymKeyID {
	if k == nil {
		return 0
	}
	return k.keys[0].id
}

// IDs returns the keys, the newest first.
func (k *Keys) IDs() (ids []sequencer.PseudonymKeyID) {
	if k != nil {
		for _, one := range k.keys {
			ids = append(ids, one.id)
		}
	}
	return ids
}

// Has reports whether there is a key.
func (k *Keys) Has(id sequencer.PseudonymKeyID) bool { return k.find(id) != nil }

func (k *Keys) find(id sequencer.PseudonymKeyID) *key {
	if k != nil {
		for _, one := range k.keys {
			if one.id == id {
				return one
			}
		}
	}
	return nil
}

// Of returns by which name a user is known under a key, which is the name itself under none (0);
// nil when the key is not there. What is a pseudonym already stands for nobody's name, and is made
// none of again: who verifies a token refuses one for such a user.
func (k *Keys) Of(id sequencer.PseudonymKeyID, user []byte) []byte {
	if id == 0 {
		return user
	}
	one := k.find(id)
	if one == nil {
		return nil
	}
	keyed := one.hashes.Get().(hash.Hash)
	defer one.hashes.Put(keyed)
	keyed.Reset()
	_, _ = keyed.Write([]byte(hashedPrefix)) // never fails
	_, _ = keyed.Write(user)
	var sum [sha256.Size]byte
	name := make([]byte, 0, sequencer.PseudonymBytes)
	name = append(append(append(name, sequencer.PseudonymPrefix...), id.String()...), '.')
	return base64.RawURLEncoding.AppendEncode(name, keyed.Sum(sum[:0])[:sumBytes])
}
