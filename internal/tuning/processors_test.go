package tuning

import (
	"os"
	"runtime"
	"testing"
)

// A process that starts a server twice has as many processors as one that starts one. A run of
// these tests had 8,192, with a thread each.
func TestProcessorsAreSetOnce(t *testing.T) {
	if os.Getenv("GOMAXPROCS") != "" {
		t.Skip("whoever runs this has chosen by GOMAXPROCS")
	}
	t.Cleanup(runtime.SetDefaultGOMAXPROCS)
	runtime.SetDefaultGOMAXPROCS()
	byItself := runtime.GOMAXPROCS(0)
	for range 3 {
		setProcessors()
	}
	if is := runtime.GOMAXPROCS(0); is != processorsFactor*byItself {
		t.Errorf("%d processors, want %d times %d", is, processorsFactor, byItself)
	}
}
