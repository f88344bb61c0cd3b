package sandbox

import (
	"errors"
	"time"

	"golang.org/x/time/rate"

	"onsale/payment"
)

// errTooFast is why a call is not taken.
var errTooFast = errors.New("sandbox: calls come too fast")

// burstSeconds is of how long a rate's calls are taken at once.
const burstSeconds = 1

// newRate returns what takes so many calls a second; nil for all.
func newRate(callsPerSecond float64) *rate.Limiter {
	if callsPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(callsPerSecond), max(1, int(callsPerSecond*burstSeconds)))
}

// admit takes one call, or says from when on the next one is taken.
func (b *Books) admit() error {
	if b.rate == nil {
		return nil
	}
	now := b.config.Clock()
	taken := b.rate.ReserveN(now, 1)
	wait := taken.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	taken.CancelAt(now)
	return &payment.Throttled{After: max(wait, time.Second), Err: errTooFast}
}
