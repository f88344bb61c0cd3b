package suite

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"onsale/bench/result"
)

// machineFacts says where this runs; what the system does not tell is "unknown". data is
// a folder on the disk that is measured.
func machineFacts(data string) result.Machine {
	m := result.Machine{CPU: valueOf("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Kernel: "unknown", System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if size, _, _ := strings.Cut(valueOf("/proc/meminfo", "MemTotal"), " "); size != "" {
		kib, _ := strconv.ParseUint(size, 10, 64)
		m.MemoryBytes = kib << 10
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	m.Disk, m.FileSystem = mountOf(data, string(mounts))
	return m
}

// valueOf returns the first value of a name in one of /proc's files of "name: value".
func valueOf(path, name string) string {
	data, _ := os.ReadFile(path)
	for line := range strings.Lines(string(data)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// mountOf returns device and file system below a folder: those of the longest mount
// point that holds it.
func mountOf(folder, mounts string) (device, fileSystem string) {
	device, fileSystem = "unknown", "unknown"
	longest := -1
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		relative, err := filepath.Rel(fields[1], folder)
		if err != nil || relative == ".." || strings.HasPrefix(relative, "../") || len(fields[1]) < longest {
			continue
		}
		longest, device, fileSystem = len(fields[1]), fields[0], fields[2]
	}
	return device, fileSystem
}

// loadAverages returns zeros where the system does not tell.
func loadAverages() (load [3]float64) {
	data, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(data))
	for i := range min(len(fields), len(load)) {
		load[i], _ = strconv.ParseFloat(fields[i], 64)
	}
	return load
}

// sourceOf says what is checked out. Results and the README, which the suite itself
// writes, make nothing dirty.
func sourceOf(ctx context.Context, root string) (result.Source, error) {
	commit, err := git(ctx, root, "rev-parse", "--short=12", "HEAD")
	if err != nil {
		return result.Source{}, err
	}
	changes, err := git(ctx, root, "status", "--porcelain", "--", ".", ":(exclude)bench/results", ":(exclude)README.md")
	return result.Source{Commit: commit, Dirty: changes != ""}, err
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = root
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(output)), nil
}
