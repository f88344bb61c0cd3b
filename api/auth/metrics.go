package auth

import "onsale/internal/metric"

// AddMetrics adds what is counted of tokens, and of the file of a provider's keys.
func (v *Verifier) AddMetrics(s *metric.Set) {
	s.Counter("onsale_token_cache_hits_total", "Tokens that were known to be valid.", v.hits.Sum)
	s.Counter("onsale_token_cache_misses_total", "Tokens that had to be verified.", v.misses.Load)
	s.Counter("onsale_tokens_refused_total", "Tokens that were not valid.", v.refusals.Load)
	s.Gauge("onsale_token_keys", "Public keys whose tokens are accepted.",
		func() float64 { return float64(v.providerKeys()) })
	s.Gauge("onsale_token_keys_stale", "1 while the file of public keys does not load and older keys are in force.",
		func() float64 { return metric.Bool(v.stale.Load()) })
}
