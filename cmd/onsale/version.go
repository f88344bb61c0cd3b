package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"onsale/sequencer"
)

// release and commit are stamped by make build, by the linker's -X.
var release, commit string

// build says which program this is.
type build struct {
	Release  string `json:"release"` // devel when it is none
	Commit   string `json:"commit"`  // 12 digits, with +changes when files differ from it; unknown outside a repository
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Level    uint16 `json:"level"` // the highest level of formats that it speaks
}

// thisBuild is what was stamped; the commit of an unstamped binary is what the go command
// recorded.
func thisBuild() build {
	b := build{Release: release, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Level: sequencer.LevelMax}
	if b.Release == "" {
		b.Release = "devel"
	}
	if info, ok := debug.ReadBuildInfo(); ok && b.Commit == "" {
		b.Commit = recordedCommit(info.Settings)
	}
	if b.Commit == "" {
		b.Commit = "unknown"
	}
	return b
}

func recordedCommit(settings []debug.BuildSetting) string {
	revision, dirty := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}

func (b build) String() string {
	return fmt.Sprintf("onsale %s (commit %s) %s %s, level %d", b.Release, b.Commit, b.Go, b.Platform, b.Level)
}

// version is what logs, metrics and the cluster's status say of this program: the release
// and the commit.
func version() string {
	b := thisBuild()
	return b.Release + " " + b.Commit
}

func newVersion(p *program) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print release, commit, and the level of formats that this build speaks", Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return p.printVersion() }}
}

// printVersion prints a line; -o json and -o csv have the parts.
func (p *program) printVersion() error {
	if b := thisBuild(); p.format != "table" {
		return p.showFields(b)
	}
	_, err := fmt.Fprintln(p.out, thisBuild())
	return err
}
