package moment

import (
	"testing"
	"testing/synctest"
	"time"
)

// The oldest of the calls under way is known, and those that were slow are counted.
func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Calls
		began := time.Now()
		is := func(what string, want time.Duration, wantAny bool) {
			t.Helper()
			if at, any := c.Oldest(); any != wantAny || any && at.Sub(began) != want {
				t.Errorf("%s: the oldest began after %v (%t)", what, at.Sub(began), any)
			}
		}
		is("at the beginning", 0, false)
		first := c.Begin()
		time.Sleep(Slow / 2)
		second := c.Begin()
		is("two", 0, true)
		c.End(first)
		is("the second", Slow/2, true)
		third := c.Begin()
		if third != first {
			t.Errorf("the place %d that is free was not taken, but %d", first, third)
		}
		time.Sleep(Slow)
		c.End(second)
		is("the third", Slow/2, true)
		c.End(third)
		is("at the end", 0, false)
		if count, last := c.SlowOnes(); count != 2 || last != time.Now() {
			t.Errorf("%d were slow, the last ended at %v", count, last)
		}
	})
}
