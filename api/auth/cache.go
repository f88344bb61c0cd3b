package auth

import (
	"bytes"
	"hash/maphash"
	"math"
	"sync/atomic"
)

// cache remembers verified tokens. It is a fixed table of small buckets
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
type cache struct {
	seed    maphash.Seed
	buckets []bucket // a power of two of them, or none
}

// ways is how many places a token may take.
const ways = 4

// bucket is one line of a processor's cache, so that to learn that a token is not
// known, as every buyer's first one, takes one look at memory. Its parts are written one
// by one: what is found is compared whole, and a place whose parts belong to two tokens
// is not found, which costs a verification.
type bucket struct {
	tags    [ways]atomic.Uint32 // of the hash; 0 for a free place
	expires [ways]atomic.Uint32 // Unix seconds
	entries [ways]atomic.Pointer[entry]
}

// tagOf returns the part of a hash that tells the tokens of a bucket apart.
func tagOf(hash uint64) uint32 { return uint32(hash>>32) | 1 }

type entry struct {
	hash     uint64
	identity *Identity
}

// newCache returns a cache for at most entries tokens, fewer when that is
// not a power of two.
func newCache(entries int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	buckets := 1
	for buckets*2*ways <= entries {
		buckets *= 2
	}
	if buckets*ways <= entries {
		c.buckets = make([]bucket, buckets)
	}
	return c
}

func (c *cache) hash(token []byte) uint64 { return maphash.Bytes(c.seed, token) }

// find returns whom a verified token speaks for; nil when it is not remembered
// or its time is over.
func (c *cache) find(hash uint64, token []byte, now int64) *Identity {
	if len(c.buckets) == 0 {
		return nil
	}
	bucket, tag := c.bucket(hash), tagOf(hash)
	for way := range bucket.entries {
		if bucket.tags[way].Load() != tag {
			continue
		}
		entry := bucket.entries[way].Load()
		if entry != nil && entry.hash == hash && bytes.Equal(entry.identity.token, token) {
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
func (c *cache) add(hash uint64, identity *Identity, now int64) {
	if len(c.buckets) == 0 {
		return
	}
	bucket, place := c.bucket(hash), hash>>62
	for way := range bucket.entries {
		if bucket.tags[way].Load() == 0 || now >= int64(bucket.expires[way].Load()) {
			place = uint64(way)
			break
		}
	}
	bucket.entries[place].Store(&entry{hash: hash, identity: identity})
	bucket.expires[place].Store(uint32(min(identity.Expires, math.MaxUint32)))
	bucket.tags[place].Store(tagOf(hash))
}

func (c *cache) bucket(hash uint64) *bucket {
	return &c.buckets[hash&uint64(len(c.buckets)-1)]
}
