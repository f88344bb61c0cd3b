package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// profileShareLeast is how much of the profile's time in our own functions must be in such as
// there still are. What was renamed since is compiled without knowledge; generic functions have
// other names in programs, and count as renamed.
const profileShareLeast = 0.8

// The profile that the compiler is given is of this program, or of one much like it.
func TestProfileIsOfThisProgram(t *testing.T) {
	data, err := os.ReadFile("cpu.pgo")
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(data)
	if err != nil {
		t.Fatal(err)
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	known, all, gone := int64(0), int64(0), map[string]int64{}
	for name, time := range ownTimes(p) {
		all += time
		if bytes.Contains(program, []byte(name)) {
			known += time
		} else {
			gone[name] = time
		}
	}
	if all == 0 || float64(known) < profileShareLeast*float64(all) {
		t.Errorf("cpu.pgo is of an older program (make profile makes it anew): it has %d of %d ns in functions that there are; there are no more %v", known, all, gone)
	}
}

// ownTimes is the time that the profile has in each function of this module.
func ownTimes(p *profile.Profile) map[string]int64 {
	times := map[string]int64{}
	for _, s := range p.Sample {
		if len(s.Location) == 0 || len(s.Location[0].Line) == 0 {
			continue
		}
		if name := s.Location[0].Line[0].Function.Name; strings.HasPrefix(name, "onsale/") {
			times[name] += s.Value[len(s.Value)-1]
		}
	}
	return times
}
