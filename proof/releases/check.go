package releases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrFormat is returned when formats of a level differ from those of the release that the
// level belongs to, or the level was raised by more than a step.
var ErrFormat = errors.New("a released level's formats are changed")

// Check holds a tree whose program speaks a level to the releases that it names: each is in the
// history and is at the level and in the changelog as the file says, and the formats of the last
// one's level are what they were. ErrFile, ErrHistory, ErrFormat.
func Check(ctx context.Context, root string, level uint16) error {
	all, err := Read(root)
	if err != nil || len(all) == 0 {
		return err
	}
	for i := range all {
		if err := all[i].check(ctx, root); err != nil {
			return fmt.Errorf("%s: %w", all[i].Name, err)
		}
	}
	last := &all[len(all)-1]
	switch level {
	case last.Level:
		return last.checkGolden(ctx, root)
	case last.Level + 1:
		return nil
	}
	return fmt.Errorf("%w: this tree speaks level %d, and %s, the last release, level %d; it is %d or %d", ErrFormat, level, last.Name,
		last.Level, last.Level, last.Level+1)
}

// check compares a release's line with its commit.
func (r *Release) check(ctx context.Context, root string) error {
	if err := inHistory(ctx, root, r.Commit); err != nil {
		return err
	}
	level, err := levelAt(ctx, root, r.Commit)
	if err != nil {
		return err
	}
	if level != r.Level {
		return fmt.Errorf("%w: the commit speaks level %d, the line says %d", ErrFile, level, r.Level)
	}
	changelog, err := git(ctx, root, "show", r.Commit+":"+changelogFile)
	if err == nil && section(changelog, r.Name) == "" {
		err = fmt.Errorf("%w: %s of the commit has no section %s", ErrFile, changelogFile, r.Name)
	}
	return err
}

// goldenFolder is part of the path of every file whose bytes a level keeps.
const goldenFolder = "testdata/golden/"

// checkGolden compares a release's golden files with this tree's. A file that came later is of a
// format that the release did not have.
func (r *Release) checkGolden(ctx context.Context, root string) error {
	list, err := git(ctx, root, "ls-tree", "-r", "--name-only", r.Commit)
	if err != nil {
		return err
	}
	var changed error
	for path := range strings.Lines(list) {
		path = strings.TrimSuffix(path, "\n")
		if !strings.Contains(path, goldenFolder) {
			continue
		}
		was, err := git(ctx, root, "show", r.Commit+":"+path)
		if err != nil {
			return err
		}
		if is, err := os.ReadFile(filepath.Join(root, path)); err != nil || !bytes.Equal(is, []byte(was)) {
			changed = errors.Join(changed, fmt.Errorf("%w: %s is not what it was in %s, and level %d is released: write it from level %d on (docs/upgrading.md)",
				ErrFormat, path, r.Name, r.Level, r.Level+1))
		}
	}
	return changed
}
