package testenv

import (
	"testing"
	"time"
)

// pollInterval is how long Eventually waits between two looks.
const pollInterval = 2 * time.Millisecond

// Eventually waits for a condition, and ends the test when it does not hold within the
// time; what says what was waited for. The condition is looked at on the calling
// goroutine, which must be the test's, and once more when the time is over.
//
// It is for what another process, a disk or a network does in its own time. What only
// timers do belongs into a bubble of testing/synctest.
func Eventually(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !condition(); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
