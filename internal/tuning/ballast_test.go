package tuning

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// The ballast counts as heap, and the system gives no memory for it.
func TestBallastIsNotResident(t *testing.T) {
	before := residentPages(t)
	loadBallast()
	defer func() { ballast = nil }()
	if got := (residentPages(t) - before) * os.Getpagesize(); len(ballast) != ballastBytes || got > ballastBytes/4 {
		t.Errorf("%d bytes of ballast, %d more are resident", len(ballast), got)
	}
}

// residentPages returns how much memory this process has.
func residentPages(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages
}
