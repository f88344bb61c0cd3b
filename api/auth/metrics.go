package auth

import "onsale/internal/metric"

// AddMetrics adds what is counted of tokens, and of what they are verified with.
func (v *Verifier) AddMetrics(s *metric.Set) {
	s.Counter("onsale_token_cache_hits_total", "Tokens that were known to be valid.", v.hits.Sum)
	s.Counter("onsale_token_cache_misses_total", "Tokens that had to be verified.", v.misses.Load)
	s.Counter("onsale_tokens_refused_total", "Tokens that were not valid.", v.refusals.Load)
	s.Counter("onsale_tokens_revoked_total", "Tokens that were valid and had been revoked; they are not among the refused.", v.takenBack.Load)
	s.Gauge("onsale_token_secrets", "Secrets whose tokens are accepted.",
		func() float64 { return float64(len(v.keys.Load().config.Secrets)) })
	s.Gauge("onsale_token_keys", "Public keys whose tokens are accepted.",
		func() float64 { return float64(v.providerKeys()) })
	s.Gauge("onsale_token_keys_left_out", "Public keys that cannot be used and were left out.",
		func() float64 { return float64(v.leftOut.Load()) })
	s.Gauge("onsale_token_revocations", "Users and tokens whose revocation is in force.",
		func() float64 { return float64(v.revoking.Load().Len()) })
}
