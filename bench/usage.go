package bench

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is the CPU time that servers and this process have used so far.
type usage struct{ servers, load time.Duration }

func usageOf(roots []int) usage {
	u := usage{load: cpu(os.Getpid())}
	for _, pid := range descendants(roots) {
		u.servers += cpu(pid)
	}
	return u
}

// descendants returns processes with their children, theirs, and so on. What a child
// used that has ended already is lost; servers keep theirs.
func descendants(roots []int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc") // without it there is nothing to measure, and zeros say so
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if parent := int(statField(pid, 1)); parent > 0 {
			children[parent] = append(children[parent], pid)
		}
	}
	found := slices.Clone(roots)
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// statField returns a number that /proc says of a process behind its name, which may have
// spaces; 0 of a process that has ended.
func statField(pid, field int) int64 {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if field >= len(fields) {
		return 0
	}
	n, _ := strconv.ParseInt(fields[field], 10, 64)
	return n
}

// cpu returns the CPU time that a process has used: in user mode and in the kernel.
func cpu(pid int) time.Duration {
	return time.Duration(statField(pid, 11)+statField(pid, 12)) * time.Second / clockTicks
}

// clockTicks is USER_HZ, which Linux fixes at 100 for what it tells programs.
const clockTicks = 100

// memory returns the most memory that a process has had resident, in bytes.
func memory(pid int) int64 {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	size, _, _ := strings.Cut(rest, " kB")
	kib, _ := strconv.ParseInt(strings.TrimSpace(size), 10, 64)
	return kib << 10
}
