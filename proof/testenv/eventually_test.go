package testenv

import (
	"testing"
	"testing/synctest"
	"time"
)

// A condition is waited for as long as was said, and no longer.
func TestEventually(t *testing.T) {
	for _, c := range []struct {
		holdsAfter time.Duration
		ended      string
	}{
		{0, ""},
		{500 * time.Millisecond, ""},
		{time.Second, ""},
		{2 * time.Second, "failed: not within 1s: a thing"},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			end := endOf(t, func(t testing.TB) {
				Eventually(t, time.Second, "a thing", func() bool { return time.Since(began) >= c.holdsAfter })
			})
			took := time.Since(began)
			if end != c.ended || took > time.Second+2*pollInterval || end == "" && took < c.holdsAfter {
				t.Errorf("after %v: %q, %v", c.holdsAfter, end, took)
			}
		})
	}
}
