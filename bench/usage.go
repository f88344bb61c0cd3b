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
		if parent := parentOf(pid); parent > 0 {
			children[parent] = append(children[parent], pid)
		}
	}
	found := slices.Clone(roots)
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// statFields returns what /proc says of a process behind its name, which may have spaces;
// nothing of a process that has ended.
func statFields(pid int) []string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return strings.Fields(rest)
}

// parentOf returns 0 for a process that has ended.
func parentOf(pid int) int {
	fields := statFields(pid)
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// cpu returns the CPU time that a process has used, from /proc.
func cpu(pid int) time.Duration {
	fields := statFields(pid)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTicks
}

// clockTicks is USER_HZ, which Linux fixes at 100 for what it tells programs.
const clockTicks = 100

// memory returns the most memory that a process has had resident, in bytes.
func memory(pid int) int64 { return processMemory(pid, "VmHWM:") }

// processMemory returns a size that /proc tells of a process, in bytes.
func processMemory(pid int, name string) int64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, found := strings.CutPrefix(line, name); found {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}
