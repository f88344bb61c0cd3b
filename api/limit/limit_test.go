package limit

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newTest(t testing.TB, config Config) *Limiter {
	t.Helper()
	l, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A bucket lets a burst through, then as much as flows in, and is never fuller
// than the burst.
func TestBucket(t *testing.T) {
	l := newTest(t, Config{PerSecond: 5, Burst: 20, KeysMax: 100})
	now := time.Unix(1_800_000_000, 0)
	key := []byte("ann")
	for i := range 20 {
		ok, limit, remaining, reset := l.Allow(key, now)
		if !ok || limit != 20 || remaining != 19-i || (reset != 0) != (i == 19) {
			t.Fatalf("request %d: %v %d %d %v", i, ok, limit, remaining, reset)
		}
	}
	if ok, _, remaining, reset := l.Allow(key, now); ok || remaining != 0 || reset != 200*time.Millisecond {
		t.Errorf("over the burst: %v %d %v", ok, remaining, reset)
	}
	if ok, _, _, _ := l.Allow([]byte("bob"), now); !ok {
		t.Error("another key pays for it")
	}
	now = now.Add(150 * time.Millisecond)
	if ok, _, _, reset := l.Allow(key, now); ok || reset < 49*time.Millisecond || reset > 51*time.Millisecond {
		t.Errorf("too early: %v %v", ok, reset)
	}
	now = now.Add(51 * time.Millisecond)
	if ok, _, _, _ := l.Allow(key, now); !ok {
		t.Error("refused after the time that was told")
	}
	if _, _, remaining, _ := l.Allow(key, now.Add(time.Hour)); remaining != 19 {
		t.Errorf("after an hour %d are left", remaining)
	}
	if s := l.Stats(); s.Keys != 2 || s.Refused != 2 || s.Evicted != 0 {
		t.Errorf("%+v", s)
	}
}

// A slow refill has no overflow, and a clock that goes back no gift.
func TestExtremes(t *testing.T) {
	l := newTest(t, Config{PerSecond: 1e-12, Burst: 1, KeysMax: 1})
	now := time.Unix(1_800_000_000, 0)
	l.Allow([]byte("a"), now)
	if ok, _, _, reset := l.Allow([]byte("a"), now); ok || reset < time.Hour {
		t.Errorf("%v %v", ok, reset)
	}
	if ok, _, _, _ := l.Allow([]byte("a"), now.Add(-time.Hour)); ok {
		t.Error("the past has a token")
	}
}

// There are never more keys than the bound, the oldest go first, and what is
// forgotten begins anew.
func TestBound(t *testing.T) {
	for _, most := range []int{1, 2, 3, 63, 64, 65, 1000} {
		l := newTest(t, Config{PerSecond: 1, Burst: 1, KeysMax: most})
		now := time.Unix(1_800_000_000, 0)
		for i := range 5000 {
			l.Allow(fmt.Appendf(nil, "key %d", i), now)
		}
		s := l.Stats()
		if s.Keys > most || s.Keys+int(s.Evicted) != 5000 {
			t.Errorf("%d at most: %+v", most, s)
		}
	}
	now := time.Unix(1_800_000_000, 0)
	l := newTest(t, Config{PerSecond: 1, Burst: 1, KeysMax: 1})
	for range 2 {
		for _, key := range []string{"a", "b"} {
			if ok, _, _, _ := l.Allow([]byte(key), now); !ok {
				t.Errorf("%s was not forgotten", key)
			}
		}
	}
}

// A few keys do not forget each other because they fall into one shard by chance,
// whatever the seed of the hash.
func TestFewKeysAreAllKept(t *testing.T) {
	for range 50 {
		l := newTest(t, Config{PerSecond: 1, Burst: 1, KeysMax: 100})
		for i := range 100 {
			l.Allow(fmt.Appendf(nil, "key %d", i), time.Unix(1_800_000_000, 0))
		}
		if s := l.Stats(); s.Keys != 100 || s.Evicted != 0 {
			t.Fatalf("%+v", s)
		}
	}
}

func TestConfigBounds(t *testing.T) {
	for _, bad := range []Config{
		{0, 1, 1}, {-1, 1, 1}, {math.NaN(), 1, 1}, {math.Inf(1), 1, 1}, {1, 0, 1}, {1, BurstMax + 1, 1}, {1, 1, 0}, {1, 1, KeysMaxMax + 1},
	} {
		if _, err := New(bad); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// Many cores that ask for one key get exactly its tokens.
func TestConcurrent(t *testing.T) {
	l := newTest(t, Config{PerSecond: 1e-6, Burst: 1000, KeysMax: 16})
	now := time.Unix(1_800_000_000, 0)
	var allowed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				if ok, _, _, _ := l.Allow([]byte("one"), now); ok {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := allowed.Load(); n != 1000 {
		t.Errorf("%d were allowed", n)
	}
}

func TestAddressKey(t *testing.T) {
	key := func(text string) [addressKeyBytes]byte { return AddressKey(netip.MustParseAddr(text)) }
	same := [][2]string{
		{"192.0.2.1", "192.0.2.254"}, {"192.0.2.1", "::ffff:192.0.2.9"}, {"2001:db8:1:2::1", "2001:db8:1:2:ffff::"},
		{"fe80::1%eth0", "fe80::1"},
	}
	for _, pair := range same {
		if key(pair[0]) != key(pair[1]) {
			t.Errorf("%v have two keys", pair)
		}
	}
	other := [][2]string{
		{"192.0.2.1", "192.0.3.1"}, {"2001:db8:1:2::1", "2001:db8:1:3::1"}, {"0.0.0.0", "::"}, {"192.0.2.1", "c000:200::"},
	}
	for _, pair := range other {
		if key(pair[0]) == key(pair[1]) {
			t.Errorf("%v have one key", pair)
		}
	}
	if AddressKey(netip.Addr{}) == key("0.0.0.0") || AddressKey(netip.Addr{}) == key("::") {
		t.Error("no address has the key of one")
	}
}

func TestAllowDoesNotAllocate(t *testing.T) {
	l := newTest(t, Config{PerSecond: 1, Burst: 5, KeysMax: 100})
	now, address := time.Now(), netip.MustParseAddr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() {
		key := AddressKey(address)
		l.Allow(key[:], now)
		l.Allow([]byte("ann"), now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkAllow is the cost for known keys, with as many cores as -cpu says.
func BenchmarkAllow(b *testing.B) {
	const keys = 1 << 16
	l := newTest(b, Config{PerSecond: 1e6, Burst: 1e6, KeysMax: 2 * keys})
	users := make([][]byte, keys)
	now := time.Now()
	for i := range users {
		users[i] = fmt.Appendf(nil, "buyer-%d", i)
		l.Allow(users[i], now)
	}
	var goroutines atomic.Uint64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for i := goroutines.Add(1) * 7919; p.Next(); i++ {
			l.Allow(users[i%keys], now)
		}
	})
}

// BenchmarkAllowNew is the cost for keys that nobody has seen, which evict others.
func BenchmarkAllowNew(b *testing.B) {
	l := newTest(b, Config{PerSecond: 1, Burst: 1, KeysMax: 1 << 16})
	now, key := time.Now(), []byte("12345678")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for k := range key {
			key[k] = byte(i >> (8 * k))
		}
		l.Allow(key, now)
	}
}
