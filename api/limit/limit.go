package limit

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// ErrBadConfig is returned when a configuration breaks a bound.
var ErrBadConfig = errors.New("bad limit")

// Config says how much each key may ask.
type Config struct {
	PerSecond float64 // tokens that a bucket gets back each second
	Burst     int     // tokens that it holds at most
	// KeysMax bounds how many keys are remembered, at about 250 bytes each.
	KeysMax int
}

// The bounds of a Config.
const (
	PerSecondMax = 1e9
	BurstMax     = 1_000_000_000
	KeysMaxMax   = 1 << 26
)

// Validate returns ErrBadConfig when a field breaks its bound.
func (c *Config) Validate() error {
	switch {
	case !(c.PerSecond > 0 && c.PerSecond <= PerSecondMax):
		return fmt.Errorf("%w: %v requests a second, allowed is above 0 to %v", ErrBadConfig, c.PerSecond, PerSecondMax)
	case c.Burst < 1 || c.Burst > BurstMax:
		return fmt.Errorf("%w: a burst of %d, allowed is 1 to %d", ErrBadConfig, c.Burst, BurstMax)
	case c.KeysMax < 1 || c.KeysMax > KeysMaxMax:
		return fmt.Errorf("%w: %d keys, allowed is 1 to %d", ErrBadConfig, c.KeysMax, KeysMaxMax)
	}
	return nil
}

// Limiter holds the buckets. It is safe for concurrent use.
type Limiter struct {
	config Config
	seed   maphash.Seed
	shards []shard // a power of two of them
}

// shardsMax is how many cores can ask at once without waiting for each other.
const shardsMax = 64

// shardKeysMin is how many keys a shard has room for at least: with room for one
// or two, keys that fall into one shard by chance would forget each other while
// most shards are empty.
const shardKeysMin = 256

// shard is a part of the buckets, found by the hash of their keys.
type shard struct {
	mu      sync.Mutex
	buckets *simplelru.LRU[uint64, *rate.Limiter]
	evicted uint64
	refused uint64
	_       [32]byte // shards do not share a cache line
}

// New returns a limiter that knows no key yet, or ErrBadConfig.
func New(config Config) (*Limiter, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	count := 1
	for count < shardsMax && count*2*shardKeysMin <= config.KeysMax {
		count *= 2
	}
	l := &Limiter{config: config, seed: maphash.MakeSeed(), shards: make([]shard, count)}
	for i := range l.shards {
		l.shards[i].buckets, _ = simplelru.NewLRU[uint64, *rate.Limiter](config.KeysMax/count, nil) // fails for a size of 0 only
	}
	return l, nil
}

// Config returns what the limiter was made with.
func (l *Limiter) Config() Config { return l.config }

// Allow takes a token of a key's bucket at now and reports whether there was
// one, how many the bucket holds at most and now, and how long it is until the
// next request would be allowed: 0 when it is at once. It allocates nothing
// for a key that it knows, and does not keep the key.
func (l *Limiter) Allow(key []byte, now time.Time) (ok bool, limit, remaining int, reset time.Duration) {
	hash := maphash.Bytes(l.seed, key)
	s := &l.shards[hash&uint64(len(l.shards)-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, known := s.buckets.Get(hash)
	if !known {
		bucket = rate.NewLimiter(rate.Limit(l.config.PerSecond), l.config.Burst)
		if s.buckets.Add(hash, bucket) {
			s.evicted++
		}
	}
	if ok = bucket.AllowN(now, 1); !ok {
		s.refused++
	}
	remaining, reset = l.left(bucket.TokensAt(now))
	return ok, l.config.Burst, remaining, reset
}

// left makes whole tokens of a bucket's, and the time until there is one.
func (l *Limiter) left(tokens float64) (remaining int, reset time.Duration) {
	if tokens >= 1 {
		return int(tokens), 0
	}
	seconds := (1 - max(tokens, 0)) / l.config.PerSecond
	return 0, time.Duration(math.Ceil(min(seconds*1e9, math.MaxInt64/2)))
}

// Stats is what a limiter has counted since it was made.
type Stats struct {
	Keys    int    // remembered now
	Evicted uint64 // forgotten because another key needed the place
	Refused uint64 // requests that found no token
}

// Stats returns the counts over all shards.
func (l *Limiter) Stats() (total Stats) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		total.Keys += s.buckets.Len()
		total.Evicted += s.evicted
		total.Refused += s.refused
		s.mu.Unlock()
	}
	return total
}
