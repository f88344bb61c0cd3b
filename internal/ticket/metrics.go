package ticket

import (
	"crypto/sha256"
	"encoding/hex"

	"onsale/internal/metric"
)

// fingerprintBytes is how much of the hash of its secrets a node shows: enough to tell different
// files apart, and nothing of 32 random bytes.
const fingerprintBytes = 4

// NoSecrets is the fingerprint of a node that signs nothing.
const NoSecrets = "none"

// AddMetrics adds what is counted of tickets; also of nil, which signs none.
func (s *Secrets) AddMetrics(set *metric.Set) {
	set.Counter("onsale_tickets_signed_total", "Codes of tickets that this node signed.", func() uint64 {
		if s == nil {
			return 0
		}
		return s.signed.Load()
	})
	set.Gauges("onsale_ticket_keys", "Secrets that tickets are signed and checked with; the label tells files apart.", []string{"fingerprint"}, func(show metric.Show) {
		count, fingerprint := s.Describe()
		show(float64(count), fingerprint)
	})
}

// Describe returns how many secrets there are, and a fingerprint of them in their order: it is
// the same on two nodes that sign alike and know the same keys. Of nil, which signs nothing, it is
// NoSecrets.
func (s *Secrets) Describe() (count int, fingerprint string) {
	if s == nil {
		return 0, NoSecrets
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	sum := sha256.New()
	sum.Write([]byte("onsale ticket fingerprint\x00"))
	for _, secret := range s.secrets {
		sum.Write(secret)
	}
	return len(s.secrets), hex.EncodeToString(sum.Sum(nil)[:fingerprintBytes])
}
