package releases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrHistory is returned when a commit is not in the history that is here.
var ErrHistory = errors.New("the commit of a release is not in this history")

// git runs a command in a tree's repository. Whoever owns the clone: a gate's may be another's.
func git(ctx context.Context, root string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "git", append([]string{"-c", "safe.directory=*", "-C", root}, args...)...)
	c.Env = append(slices.DeleteFunc(os.Environ(), isOfAHook), "TZ=UTC")
	var failure bytes.Buffer
	c.Stderr = &failure
	output, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(failure.String()))
	}
	return string(output), nil
}

// isOfAHook reports whether a variable of the environment names another repository, as git does
// for what its hooks run.
func isOfAHook(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return name == "GIT_DIR" || name == "GIT_WORK_TREE" || name == "GIT_INDEX_FILE"
}

// inHistory returns ErrHistory, with what to do, unless this tree has the commit and comes after it.
func inHistory(ctx context.Context, root, commit string) error {
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		return fmt.Errorf("%w: %s is no clone but an exported tree; use a clone with its whole history", ErrHistory, root)
	}
	if _, err := git(ctx, root, "cat-file", "-e", commit+"^{commit}"); err != nil {
		return fmt.Errorf("%w: %s; of a shallow clone, git fetch --unshallow brings it: %w", ErrHistory, commit, err)
	}
	if _, err := git(ctx, root, "merge-base", "--is-ancestor", commit, "HEAD"); err != nil {
		return fmt.Errorf("%w: HEAD does not come after %s: was the history rewritten, or cut short (git fetch --unshallow)? %w", ErrHistory, commit, err)
	}
	return nil
}

// levelFile is where the level is that a tree speaks at most.
const levelFile = "sequencer/level_max.go"

var levelPattern = regexp.MustCompile(`(?m)^const LevelMax = (\d+)$`)

// levelAt returns the level that a commit speaks at most.
func levelAt(ctx context.Context, root, commit string) (uint16, error) {
	text, err := git(ctx, root, "show", commit+":"+levelFile)
	if err != nil {
		return 0, err
	}
	found := levelPattern.FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("%s of %s has no LevelMax", levelFile, commit)
	}
	level, err := strconv.ParseUint(found[1], 10, 16)
	return uint16(level), err
}

// changelogFile has a section for each release.
const changelogFile = "CHANGELOG.md"

// section returns what a changelog says of a release, "" when it says nothing.
func section(changelog, name string) string {
	_, rest, _ := strings.Cut("\n"+changelog, "\n## "+name+"\n")
	text, _, _ := strings.Cut(rest, "\n## ")
	return strings.TrimSpace(text)
}
