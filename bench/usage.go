package bench

import (
	"os"
	"slices"
	"time"

	"github.com/prometheus/procfs"
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
	all, _ := procfs.AllProcs() // without /proc there is nothing to measure, and zeros say so
	for _, p := range all {
		if stat, err := p.Stat(); err == nil {
			children[stat.PPID] = append(children[stat.PPID], p.PID)
		}
	}
	found := slices.Clone(roots)
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// cpu returns the CPU time that a process has used, in user mode and in the kernel; 0 of one
// that has ended.
func cpu(pid int) time.Duration {
	p, _ := procfs.NewProc(pid)
	stat, _ := p.Stat()
	return time.Duration(stat.CPUTime() * float64(time.Second))
}

// memory returns the most memory that a process has had resident, in bytes.
func memory(pid int) int64 {
	p, _ := procfs.NewProc(pid)
	status, _ := p.NewStatus()
	return int64(status.VmHWM)
}
