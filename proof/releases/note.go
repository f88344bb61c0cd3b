package releases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotReady is returned when a commit is not to be released as it is.
var ErrNotReady = errors.New("not to be released")

// unreleasedSection is the changelog's section of what is not released yet.
const unreleasedSection = "Unreleased"

// Note adds a line for HEAD to the tree's file of releases, and returns it. The commit must be
// what the tree is, with a section of the changelog under its name and nothing above it, and its
// formats what the level allows. ErrNotReady, ErrFile, ErrHistory, ErrFormat.
func Note(ctx context.Context, root, name string, level uint16) (*Release, error) {
	changes, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return nil, err
	}
	if changes != "" {
		return nil, fmt.Errorf("%w: the tree has changes that no commit has:\n%s", ErrNotReady, changes)
	}
	if err := Check(ctx, root, level); err != nil {
		return nil, err
	}
	if err := changelogReady(root, name); err != nil {
		return nil, err
	}
	line, err := git(ctx, root, "log", "-1", "--date=format-local:%Y-%m-%d", "--format=%H %cd")
	if err != nil {
		return nil, err
	}
	commit, date, _ := strings.Cut(strings.TrimSpace(line), " ")
	r := &Release{Name: name, Level: level, Commit: commit, Date: date}
	if at, err := levelAt(ctx, root, commit); err != nil || at != level {
		return nil, errors.Join(fmt.Errorf("%w: %s has level %d, this program was built with %d", ErrNotReady, levelFile, at, level), err)
	}
	return r, r.appendTo(filepath.Join(root, File))
}

func changelogReady(root, name string) error {
	changelog, err := os.ReadFile(filepath.Join(root, changelogFile))
	switch {
	case err != nil:
		return err
	case section(string(changelog), name) == "":
		return fmt.Errorf("%w: %s has no section \"## %s\"", ErrNotReady, changelogFile, name)
	case section(string(changelog), unreleasedSection) != "":
		return fmt.Errorf("%w: %s has lines under %s, which this commit would release", ErrNotReady, changelogFile, unreleasedSection)
	}
	return nil
}

// appendTo adds the line to a file that must take it.
func (r *Release) appendTo(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text = fmt.Appendf(text, "%s\n", r)
	if _, err := parse(string(text)); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644) // sources are for everybody
}
