package failpoint

import (
	"debug/buildinfo"
	"strings"
)

// In reports whether a program was built with failpoints.
func In(program string) bool {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-tags" && strings.Contains(","+s.Value+",", ",failpoints,") {
			return true
		}
	}
	return false
}
