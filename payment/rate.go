package payment

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// The rate at which the provider is called is what was configured, or less: each time that the
// provider says that calls come too fast (429) it is lowered, and then it creeps up again.
// Where none is configured there is none, until the provider says so for the first time.
const (
	// rateLowered is what is left of the rate after a 429.
	rateLowered = 0.9
	// rateMin is never gone below, in calls a second.
	rateMin = 0.5
	// rateCreeps is by how much the rate grows in a second. When nothing was refused for
	// rateSteady it is far below what the provider takes, and grows by rateRecovers.
	rateCreeps, rateRecovers = 1.005, 1.05
	rateSteady               = 30 * time.Second
	// rateEndless is from where on a rate that nobody configured is none any more, in calls a
	// second.
	rateEndless = 10_000
	// refusalPause is for how long nothing is sent after a 429 that names no time, and
	// refusalPauseMax for how long at most after one that does.
	refusalPause, refusalPauseMax = 500 * time.Millisecond, 2 * time.Minute
	// burstSeconds is of how long a rate's calls may go out at once: no second has more than
	// 1.2 times the rate.
	burstSeconds = 0.2
)

// pace says when the provider may be called. It has no lock of its own.
type pace struct {
	top     float64       // as configured, calls a second; +Inf for none
	limiter *rate.Limiter // nil while no rate is in force
	grew    time.Time     // until when it has grown
	lowered time.Time     // when it was lowered last
	resumes time.Time     // nothing is sent before
	sent    tally         // calls that were not refused
}

func newPace(top float64, now time.Time) *pace {
	if top == 0 {
		top = math.Inf(1)
	}
	p := &pace{top: top, grew: now, lowered: now.Add(-rateSteady), sent: tally{began: now}}
	p.set(top, now)
	return p
}

func (p *pace) set(perSecond float64, now time.Time) {
	perSecond = min(max(perSecond, rateMin), p.top)
	if math.IsInf(p.top, 1) && perSecond > rateEndless {
		p.limiter = nil
		return
	}
	burst := max(1, int(perSecond*burstSeconds))
	if p.limiter == nil {
		p.limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
		return
	}
	p.limiter.SetLimitAt(now, rate.Limit(perSecond))
	p.limiter.SetBurstAt(now, burst)
}

// inForce returns the rate in calls a second; +Inf for none.
func (p *pace) inForce() float64 {
	if p.limiter == nil {
		return math.Inf(1)
	}
	return float64(p.limiter.Limit())
}

// grow lets the rate creep up by as many seconds as went by.
func (p *pace) grow(now time.Time) {
	seconds := int(now.Sub(p.grew) / time.Second)
	if seconds < 1 {
		return
	}
	p.grew = p.grew.Add(time.Duration(seconds) * time.Second)
	factor := rateCreeps
	if now.Sub(p.lowered) > rateSteady {
		factor = rateRecovers
	}
	if current := p.inForce(); current < p.top {
		p.set(current*math.Pow(factor, float64(seconds)), now)
	}
}

// take lets a call go now, or returns for how long there is none.
func (p *pace) take(now time.Time) (wait time.Duration) {
	p.grow(now)
	if wait = p.resumes.Sub(now); wait > 0 {
		return wait
	}
	if p.limiter != nil {
		taken := p.limiter.ReserveN(now, 1)
		if wait = taken.DelayFrom(now); wait > 0 {
			taken.CancelAt(now)
			return wait
		}
	}
	p.sent.add(now, 1)
	return 0
}

// refused takes in that a call, sent at a time, was answered with a 429 that names a time to
// wait, 0 for none. What was sent before the rate was lowered last says nothing of it.
func (p *pace) refused(sent, now time.Time, after time.Duration) {
	p.sent.add(sent, -1)
	if after <= 0 {
		after = refusalPause
	}
	if resumes := now.Add(min(after, refusalPauseMax)); resumes.After(p.resumes) {
		p.resumes = resumes
	}
	if !sent.After(p.lowered) {
		return
	}
	current := p.inForce()
	if math.IsInf(current, 1) {
		current = float64(p.sent.last(now))
	}
	p.lowered, p.grew = now, now
	p.set(current*rateLowered, now)
}

// left returns for how long nothing is sent from now on.
func (p *pace) left(now time.Time) time.Duration {
	wait := max(0, p.resumes.Sub(now))
	if p.limiter == nil {
		return wait
	}
	taken := p.limiter.ReserveN(now, 1)
	defer taken.CancelAt(now)
	return max(wait, taken.DelayFrom(now))
}

// tallySeconds is of how many seconds a tally knows what went out.
const tallySeconds = 32

// tally counts by seconds.
type tally struct {
	began  time.Time
	counts [tallySeconds]int
	newest int // second since it began
}

func (t *tally) second(at time.Time) int { return int(at.Sub(t.began) / time.Second) }

// turn forgets what is too old.
func (t *tally) turn(now time.Time) {
	for second := t.second(now); t.newest < second; {
		t.newest = max(t.newest+1, second-tallySeconds+1)
		t.counts[t.newest%tallySeconds] = 0
	}
}

func (t *tally) add(at time.Time, count int) {
	t.turn(at)
	if second := t.second(at); second > t.newest-tallySeconds {
		t.counts[second%tallySeconds] += count
	}
}

// last returns how many there were in this second and the one before.
func (t *tally) last(now time.Time) int {
	t.turn(now)
	sum := t.counts[t.newest%tallySeconds]
	if t.newest > 0 {
		sum += t.counts[(t.newest-1)%tallySeconds]
	}
	return sum
}

// mean returns how many a second there were in the whole seconds since a time, and of how many
// seconds that is.
func (t *tally) mean(since, now time.Time) (perSecond float64, seconds int) {
	t.turn(now)
	first := max(t.second(since)+1, t.newest-tallySeconds+1)
	sum := 0
	for second := first; second < t.newest; second++ {
		sum += t.counts[second%tallySeconds]
	}
	if seconds = t.newest - first; seconds < 1 {
		return 0, 0
	}
	return float64(sum) / float64(seconds), seconds
}

// RetryAfter reads a Retry-After header, seconds or an HTTP date
// (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after); 0 when it names no time ahead.
func RetryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
