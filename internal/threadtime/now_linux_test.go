package threadtime

import (
	"testing"
	"time"
)

// Work counts, and waiting does not.
func TestWorkCounts(t *testing.T) {
	slept := Begin()
	time.Sleep(20 * time.Millisecond)
	if spent := End(slept); spent >= 20*time.Millisecond {
		t.Errorf("sleeping took %v of the processor", spent)
	}
	worked := Begin()
	for began := now(); now()-began < time.Millisecond; {
	}
	if spent := End(worked); spent < time.Millisecond {
		t.Errorf("a millisecond of work took %v", spent)
	}
}
