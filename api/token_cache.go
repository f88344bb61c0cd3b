package api

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"
)

// tokenCache remembers verified tokens. It is a fixed table of small buckets
// whose places are swapped atomically: a hit takes no lock, writes nothing and
// allocates nothing, and memory is bounded by the number of places. It is
// sharded to the utmost: every bucket is a shard.
//
// A token is found by a hash and then compared whole, so a hit means that these
// very bytes were verified; a digest could only come close to that, and costs
// more (SHA-256 of a token takes longer than hash and comparison together).
// The comparison gives nothing away by its duration: it is reached only when
// all 64 bits of a hash with a secret seed agree, so nobody can feel his way to
// another one's token byte by byte.
type tokenCache struct {
	seed    maphash.Seed
	buckets []tokenBucket // a power of two of them, or none
}

// tokenWays is how many places a token may take.
const tokenWays = 4

type tokenBucket [tokenWays]atomic.Pointer[tokenEntry]

type tokenEntry struct {
	hash     uint64
	token    []byte
	identity *Identity
}

// newTokenCache returns a cache for at most entries tokens, fewer when that is
// not a power of two.
func newTokenCache(entries int) *tokenCache {
	c := &tokenCache{seed: maphash.MakeSeed()}
	buckets := 1
	for buckets*2*tokenWays <= entries {
		buckets *= 2
	}
	if buckets*tokenWays <= entries {
		c.buckets = make([]tokenBucket, buckets)
	}
	return c
}

func (c *tokenCache) hash(token []byte) uint64 { return maphash.Bytes(c.seed, token) }

// find returns whom a verified token speaks for; nil when it is not remembered
// or its time is over.
func (c *tokenCache) find(hash uint64, token []byte, now int64) *Identity {
	if len(c.buckets) == 0 {
		return nil
	}
	bucket := c.bucket(hash)
	for way := range bucket {
		entry := bucket[way].Load()
		if entry != nil && entry.hash == hash && bytes.Equal(entry.token, token) {
			if now >= entry.identity.Expires {
				return nil
			}
			return entry.identity
		}
	}
	return nil
}

// add remembers a verified token: in a free place, in the place of one whose
// time is over, or in that of any other.
func (c *tokenCache) add(hash uint64, token []byte, identity *Identity, now int64) {
	if len(c.buckets) == 0 {
		return
	}
	bucket := c.bucket(hash)
	place := &bucket[hash>>62]
	for way := range bucket {
		entry := bucket[way].Load()
		if entry == nil || now >= entry.identity.Expires {
			place = &bucket[way]
			break
		}
	}
	place.Store(&tokenEntry{hash: hash, token: append([]byte(nil), token...), identity: identity})
}

func (c *tokenCache) bucket(hash uint64) *tokenBucket {
	return &c.buckets[hash&uint64(len(c.buckets)-1)]
}
