package fake

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FaultKind is a way in which a request goes wrong.
type FaultKind string

// The kinds of faults.
const (
	FaultUnsent     FaultKind = "unsent"      // the connection breaks before anything is done
	FaultLost       FaultKind = "lost"        // it is done, and the answer is lost
	FaultLate       FaultKind = "late"        // the connection breaks, and the request arrives after Delay
	FaultSlow       FaultKind = "slow"        // it takes Delay, and the intent is locked meanwhile
	FaultError      FaultKind = "error"       // an error 500, and nothing is done
	FaultErrorAfter FaultKind = "error_after" // it is done, and answered with an error 500
	FaultRateLimit  FaultKind = "rate_limit"  // 429, and nothing is done
	FaultLocked     FaultKind = "locked"      // 429, because another request has the intent
)

// FaultKinds returns all of them.
func FaultKinds() []FaultKind {
	return []FaultKind{FaultUnsent, FaultLost, FaultLate, FaultSlow, FaultError, FaultErrorAfter, FaultRateLimit, FaultLocked}
}

// Fault lets the next requests of a step go wrong.
type Fault struct {
	Step  Step
	Kind  FaultKind
	Times int
	Delay time.Duration
	// RetryAfter is the header of a FaultRateLimit, "" for none.
	RetryAfter string
}

// Inject adds a fault.
func (f *Fake) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &fault)
}

// Pending returns how many faults were not met yet.
func (f *Fake) Pending() (left int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.faults {
		left += fault.Times
	}
	return left
}

// faultOf returns what a payment method lets go wrong.
func faultOf(method string) Fault {
	for prefix, kind := range map[string]FaultKind{"pm_fake_delay_": FaultSlow, "pm_fake_late_": FaultLate} {
		if delay, found := delayOf(method, prefix); found {
			return Fault{Kind: kind, Delay: delay}
		}
	}
	switch method {
	case "pm_fake_lost":
		return Fault{Kind: FaultLost}
	case "pm_fake_error":
		return Fault{Kind: FaultErrorAfter}
	}
	return Fault{}
}

// delayOf returns the time that a payment method names behind a prefix.
func delayOf(method, prefix string) (delay time.Duration, found bool) {
	text, found := strings.CutPrefix(method, prefix)
	n, _ := strconv.Atoi(strings.TrimSuffix(text, "ms"))
	return time.Duration(n) * time.Millisecond, found
}

// later does something after a time; not at all for none.
func (f *Fake) later(delay time.Duration, do func()) {
	if delay > 0 {
		f.finished.Go(func() {
			time.Sleep(delay)
			do()
		})
	}
}

// saved is the answer of an idempotency key; nil while it is being made.
type saved struct {
	sameness string
	answer   *answer
}

// answer does what a request asks for, with its fault; cut says that nobody is told.
func (f *Fake) answer(r *request) (_ answer, cut bool) {
	switch r.fault.Kind {
	case FaultUnsent:
		return answer{}, true
	case FaultRateLimit:
		told := failure(http.StatusTooManyRequests, "invalid_request_error", "rate_limit", "", "too many requests")
		told.retryAfter = r.fault.RetryAfter
		return told, false
	case FaultLocked:
		return lockTimeout(), false
	case FaultLate:
		f.finished.Go(func() {
			time.Sleep(r.fault.Delay)
			f.once(r)
		})
		return answer{}, true
	}
	told := f.once(r)
	return told, r.fault.Kind == FaultLost
}

// once does what a request asks for, or repeats the answer that its key has.
func (f *Fake) once(r *request) answer {
	if r.key == "" {
		return f.work(r)
	}
	f.mu.Lock()
	if before := f.answers[r.key]; before != nil {
		defer f.mu.Unlock()
		switch {
		case before.sameness != r.sameness:
			return failure(http.StatusBadRequest, "idempotency_error", "", "", "keys can only be used with the same parameters")
		case before.answer == nil:
			return failure(http.StatusConflict, "idempotency_error", "idempotency_key_in_use", "", "another request with this key is under way")
		}
		told := *before.answer
		told.replayed = true
		return told
	}
	place := &saved{sameness: r.sameness}
	f.answers[r.key] = place
	f.mu.Unlock()
	told := f.work(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if place.answer = &told; told.unsaved && f.answers[r.key] == place {
		delete(f.answers, r.key)
	}
	return told
}

// work does what a request asks for; errors 500 are answers like any other.
func (f *Fake) work(r *request) answer {
	broken := failure(http.StatusInternalServerError, "api_error", "", "", "an error of ours")
	broken.unsaved = false
	if r.fault.Kind == FaultError {
		return broken
	}
	if r.fault.Kind == FaultSlow {
		unlock, locked := f.lock(r)
		if !locked {
			return lockTimeout()
		}
		time.Sleep(r.fault.Delay)
		unlock()
	}
	f.mu.Lock()
	told := f.do(r)
	f.mu.Unlock()
	if r.fault.Kind == FaultErrorAfter {
		return broken
	}
	return told
}

// lock keeps other steps from an intent.
func (f *Fake) lock(r *request) (unlock func(), locked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.byID[r.id]
	if i == nil {
		return func() {}, true
	}
	if i.locked {
		return nil, false
	}
	i.locked = true
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		i.locked = false
	}, true
}

func lockTimeout() answer {
	return failure(http.StatusTooManyRequests, "invalid_request_error", "lock_timeout", "", "another request has the intent")
}

// failure is an error's answer. What is wrong with the request itself is not kept under
// its key.
func failure(status int, kind, code, param, message string) answer {
	fields := map[string]any{"type": kind, "message": message}
	for name, value := range map[string]string{"code": code, "param": param} {
		if value != "" {
			fields[name] = value
		}
	}
	return answer{status: status, body: map[string]any{"error": fields}, unsaved: true}
}
