package webhook

import (
	"math/rand/v2"
	"time"
)

// delays are how long after each failed attempt the next one comes at most; after the last of
// them, always so long again.
var delays = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// GiveUpAfter is for how long one event is tried before it becomes a dead letter, counted by what
// this process waited: neither a wrong clock nor a night in which it did not run uses it up.
const GiveUpAfter = 72 * time.Hour

// RetryAfterMax bounds the Retry-After of a receiver. One that wants to be left alone for longer
// is asked again then.
const RetryAfterMax = time.Hour

// delayMin keeps full jitter from meaning at once.
const delayMin = 100 * time.Millisecond

// delay returns how long to wait after so many failed attempts: anything up to the schedule's
// time, so that what failed together does not come again together.
func delay(attempts int, random *rand.Rand) time.Duration {
	most := delays[min(max(attempts, 1), len(delays))-1]
	return delayMin + time.Duration(random.Int64N(int64(most-delayMin)))
}
