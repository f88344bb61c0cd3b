package api

import (
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"onsale/api/auth"
	"onsale/api/conn"
	"onsale/api/contract"
	"onsale/api/limit"
	"onsale/internal/metric"
)

// policy is a limit, as the metrics and the header RateLimit name it.
type policy uint8

const (
	policyUser policy = iota
	policyAddress
	policyCount
)

var policyNames = [policyCount]string{"user", "address"}

// limits are the limiters of the buyers' listener; nil for one that is off. They can be
// replaced while requests come.
type limits [policyCount]atomic.Pointer[limit.Limiter]

// limitConfigs returns what each limiter is made with; a rate of 0 means none.
func (c *Config) limitConfigs() [policyCount]limit.Config {
	return [policyCount]limit.Config{
		policyUser:    {PerSecond: c.UserRequestsPerSecond, Burst: c.UserBurst, KeysMax: c.LimitedUsersMax},
		policyAddress: {PerSecond: c.AddressRequestsPerSecond, Burst: c.AddressBurst, KeysMax: c.LimitedAddressesMax},
	}
}

func (c *Config) validateLimits() error {
	for p, config := range c.limitConfigs() {
		if config.PerSecond == 0 {
			continue
		}
		if err := config.Validate(); err != nil {
			return fmt.Errorf("%w: the limit of each %s: %w", ErrBadConfig, policyNames[p], err)
		}
	}
	if err := conn.ValidateProxies(c.TrustedProxies); err != nil {
		return fmt.Errorf("%w: %w", ErrBadConfig, err)
	}
	return nil
}

// set takes the limits of a configuration. A limiter that stays as it is keeps its counts;
// another one begins with none.
func (l *limits) set(c *Config) error {
	var fresh [policyCount]*limit.Limiter
	for p, config := range c.limitConfigs() {
		if config.PerSecond == 0 {
			continue
		}
		if old := l[p].Load(); old != nil && old.Config() == config {
			fresh[p] = old
			continue
		}
		var err error
		if fresh[p], err = limit.New(config); err != nil {
			return fmt.Errorf("%w: the limit of each %s: %w", ErrBadConfig, policyNames[p], err)
		}
	}
	for p := range fresh {
		l[p].Store(fresh[p])
	}
	return nil
}

// SetLimits takes the limits of requests of users and networks of a configuration, while
// requests come; the rest of it is not looked at. ErrBadConfig changes nothing.
func (p *Public) SetLimits(config *Config) error { return p.limits.set(config) }

// limitAddress refuses a request whose sender's network asks too often. It comes
// before everything that costs more than a look at the header.
func (p *Public) limitAddress(r *request) error {
	if p.limits[policyAddress].Load() == nil && len(p.config.TrustedProxies) == 0 {
		return nil
	}
	address, problem := conn.SenderOf(r.ctx.RemoteAddr(), &r.header, p.config.TrustedProxies)
	if problem != nil {
		return problem
	}
	if !address.IsValid() { // a socket that has no address
		return nil
	}
	key := limit.AddressKey(address)
	return p.limit(r, policyAddress, key[:])
}

// identify returns who sent a request, unless that user asks too often.
func (p *Public) identify(r *request) error {
	who, err := p.tokens.Authorize(r.header.Authorization, auth.RoleBuyer, r.started.Unix(), r.shard)
	if err != nil {
		return err
	}
	r.who = who
	if c := conn.Of(r.ctx.Conn()); c != nil {
		c.Prove(r.started)
	}
	return p.limit(r, policyUser, who.User)
}

// limit takes a token of a key's bucket, or refuses the request and says when to
// come back. The headers of draft-ietf-httpapi-ratelimit-headers go with
// refusals only: with each answer they would be a tenth of its bytes in the rush
// for which this is built, and who is under the limit need not slow down.
func (p *Public) limit(r *request, which policy, key []byte) error {
	limiter := p.limits[which].Load()
	if limiter == nil {
		return nil
	}
	ok, most, left, reset := limiter.Allow(key, r.started)
	if ok {
		return nil
	}
	headers := &r.ctx.Response.Header
	headers.Set("RateLimit", rateLimit(which, left, reset))
	headers.Set("RateLimit-Policy", rateLimitPolicy(which, most, limiter.Config().PerSecond))
	problem := contract.NewProblem(contract.Throttled, "too many requests from this "+policyNames[which]+"; come back after the time that Retry-After says")
	problem.RetryAfter = reset
	return problem
}

// rateLimit says how many requests are left, and in how many seconds there will
// be one more.
func rateLimit(which policy, left int, reset time.Duration) string {
	return strconv.Quote(policyNames[which]) + ";r=" + strconv.Itoa(left) + ";t=" + strconv.Itoa(wholeSeconds(reset))
}

// rateLimitPolicy says how many requests there may be in how many seconds: the
// burst, and the time in which it comes back.
func rateLimitPolicy(which policy, most int, perSecond float64) string {
	window := min(max(math.Ceil(float64(most)/perSecond), 1), integerMax)
	return strconv.Quote(policyNames[which]) + ";q=" + strconv.Itoa(most) + ";w=" + strconv.FormatFloat(window, 'f', 0, 64)
}

// integerMax is the largest integer of a structured field (RFC 9651).
const integerMax = 999_999_999_999_999

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// limitMetrics are of the limits that are on.
func (m *Metrics) limitMetrics() {
	each := func(read func(l *limit.Limiter) float64) func(metric.Show) {
		return m.ofPublic(func(p *Public, show metric.Show) {
			for which := range p.limits {
				if limiter := p.limits[which].Load(); limiter != nil {
					show(read(limiter), policyNames[which])
				}
			}
		})
	}
	s, labels := &m.others, []string{"policy"}
	s.Counters("onsale_throttled_total", "Requests refused because their user or network asks too often.", labels, each(func(l *limit.Limiter) float64 {
		return float64(l.Stats().Refused)
	}))
	s.Gauges("onsale_limited_keys", "Users and networks whose requests are counted.", labels, each(func(l *limit.Limiter) float64 {
		return float64(l.Stats().Keys)
	}))
	s.Gauges("onsale_limited_keys_max", "Bound of onsale_limited_keys.", labels, each(func(l *limit.Limiter) float64 {
		return float64(l.Config().KeysMax)
	}))
	s.Counters("onsale_limited_keys_evicted_total", "Users and networks that were forgotten to make room for others.", labels, each(func(l *limit.Limiter) float64 {
		return float64(l.Stats().Evicted)
	}))
}
