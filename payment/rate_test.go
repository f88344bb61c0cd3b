package payment

import (
	"math"
	"net/http"
	"testing"
	"time"
)

// steps is a pace whose time a test moves.
type steps struct {
	*pace
	now time.Time
}

func newSteps(top float64) *steps {
	now := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	return &steps{newPace(top, now), now}
}

// send lets calls go for a while, as fast as they may, to a provider that takes so many a
// second, and returns how many it took and refused.
func (s *steps) send(d time.Duration, takes float64, after time.Duration) (taken, refused int) {
	room, end := takes, s.now.Add(d)
	for s.now.Before(end) {
		wait := s.take(s.now)
		if wait > 0 {
			s.now = s.now.Add(wait)
			room = min(takes, room+takes*wait.Seconds())
			continue
		}
		if room < 1 {
			refused++
			s.refused(s.now, s.now.Add(time.Millisecond), after)
		} else {
			room--
			taken++
		}
		s.now = s.now.Add(time.Millisecond)
		room = min(takes, room+takes/1000)
	}
	return taken, refused
}

// The rate as configured is kept to a tenth: no second has more than 1.2 times as many.
func TestRateConfigured(t *testing.T) {
	s := newSteps(100)
	if taken, _ := s.send(10*time.Second, 1e6, 0); taken < 990 || taken > 1021 {
		t.Errorf("%d calls in 10 s at 100 a second", taken)
	}
	if rate := s.inForce(); rate != 100 {
		t.Errorf("%v are in force", rate)
	}
}

// A rate that is too high is learned downwards, whether it was configured or not, and from then
// on few calls are refused, and few of those that would be taken are not sent.
func TestRateLearned(t *testing.T) {
	for _, top := range []float64{0, 200, 1000} {
		s := newSteps(top)
		s.send(30*time.Second, 100, time.Second)
		taken, refused := s.send(5*time.Minute, 100, time.Second)
		if taken < 300*85 || refused > taken/200 {
			t.Errorf("from %v: %d taken, %d refused in five minutes at 100 a second", top, taken, refused)
		}
		if rate := s.inForce(); rate < 80 || rate > 110 {
			t.Errorf("from %v: %v are in force", top, rate)
		}
	}
}

// A provider that had a bad minute gets its rate again, and never more than was configured.
func TestRateCreepsUp(t *testing.T) {
	s := newSteps(100)
	s.send(time.Minute, 1, 0)
	if low := s.inForce(); low > 3 || low < rateMin {
		t.Fatalf("%v are in force", low)
	}
	low := s.inForce()
	s.send(rateSteady, 1e6, 0)
	if rate := s.inForce(); rate <= low || rate > 2*low {
		t.Errorf("from %v to %v at first", low, rate)
	}
	s.send(3*time.Minute, 1e6, 0)
	if rate := s.inForce(); rate != 100 {
		t.Errorf("%v are in force", rate)
	}

	free := newSteps(0)
	free.send(time.Minute, 1, 0)
	if math.IsInf(free.inForce(), 1) {
		t.Error("nothing was learned")
	}
	free.now = free.now.Add(time.Hour)
	if free.take(free.now); !math.IsInf(free.inForce(), 1) {
		t.Errorf("after a quiet hour %v are in force", free.inForce())
	}
}

// Many calls under way hear of one excess, which lowers the rate once.
func TestRateLoweredOnce(t *testing.T) {
	s := newSteps(100)
	sent := s.now
	for range 50 {
		s.take(s.now)
	}
	s.now = s.now.Add(100 * time.Millisecond)
	for range 50 {
		s.refused(sent.Add(time.Millisecond), s.now, 0)
	}
	if rate := s.inForce(); rate != 90 {
		t.Errorf("%v are in force", rate)
	}
}

// Nothing is sent before the time that the provider names, for two minutes at most; without
// one there is a short pause.
func TestRetryAfterIsKept(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{0: refusalPause, 7 * time.Second: 7 * time.Second, time.Hour: refusalPauseMax} {
		s := newSteps(100)
		s.refused(s.now, s.now, after)
		if wait := s.take(s.now.Add(want - time.Millisecond)); wait != time.Millisecond {
			t.Errorf("%v: %v before its end", after, wait)
		}
		if wait := s.take(s.now.Add(want)); wait != 0 {
			t.Errorf("%v: %v at its end", after, wait)
		}
	}
	s := newSteps(100)
	s.refused(s.now, s.now, time.Minute)
	s.refused(s.now, s.now, time.Second) // which is no permission
	if left := s.left(s.now); left != time.Minute {
		t.Errorf("%v are left", left)
	}
}

// Retry-After is seconds or an HTTP date.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "0": 0, "-1": 0, "1.5": 0, "soon": 0, "99999999999999999999": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(time.Minute).Format(time.ANSIC):           time.Minute,
	} {
		if got := RetryAfter(header, now); got != want {
			t.Errorf("%q is %v", header, got)
		}
	}
}
