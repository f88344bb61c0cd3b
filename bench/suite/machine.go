package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// machineSettings says where this runs; what the system does not tell is "unknown". data
// is a folder on the disk that is measured.
func machineSettings(ctx context.Context, data string) pairs {
	size, _, _ := strings.Cut(valueOf("/proc/meminfo", "MemTotal"), " ")
	kib, _ := strconv.ParseUint(size, 10, 64)
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	kernel := "Linux " + strings.TrimSpace(string(release))
	disk, fileSystem := mountOf(ctx, data)
	return pairs{
		{"goos", runtime.GOOS}, {"goarch", runtime.GOARCH}, {"go", runtime.Version()},
		{"cpu", valueOf("/proc/cpuinfo", "model name")}, {"cores", strconv.Itoa(runtime.NumCPU())},
		{"memory-gib", strconv.FormatUint(kib>>20, 10)}, {"kernel", kernel}, {"disk", disk}, {"file-system", fileSystem},
	}
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

// mountOf returns device and file system below a folder.
func mountOf(ctx context.Context, folder string) (device, fileSystem string) {
	output, _ := exec.CommandContext(ctx, "findmnt", "--noheadings", "--output", "SOURCE,FSTYPE", "--target", folder).Output()
	if fields := strings.Fields(string(output)); len(fields) == 2 {
		return fields[0], fields[1]
	}
	return "unknown", "unknown"
}

// loadAverages are of the last 1, 5 and 15 minutes, other work included; "" where the
// system does not tell.
func loadAverages() string {
	data, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(data))
	return strings.Join(fields[:min(3, len(fields))], " ")
}

// commitOf says what is checked out, and when there are changes that no commit has.
// Results and the pages that the suite itself writes change nothing.
func commitOf(ctx context.Context, root string) (string, error) {
	commit, err := git(ctx, root, "rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "", err
	}
	status := []string{"status", "--porcelain", "--", ".", ":(exclude)bench/results"}
	for _, p := range pages {
		status = append(status, ":(exclude)"+p.path)
	}
	changes, err := git(ctx, root, status...)
	if changes != "" {
		commit += " with changes"
	}
	return commit, err
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
