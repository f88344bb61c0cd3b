package releases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Unreleased is what the program is called that Last returns while nothing is released.
const Unreleased = "unreleased"

// Last returns the last release. While the tree names none it is the last commit, under the name
// Unreleased: there is nothing to upgrade from yet, and who upgrades from it tries the way.
func Last(ctx context.Context, root string, level uint16) (Release, error) {
	all, err := Read(root)
	if err != nil {
		return Release{}, err
	}
	if len(all) > 0 {
		return all[len(all)-1], nil
	}
	return Release{Name: Unreleased, Level: level, Commit: "HEAD"}, nil
}

// Build builds a release's program in a new folder and returns its path. Its source is exported
// from the history beside it; the compiler's cache knows what was built of it before. ErrHistory.
func (r *Release) Build(ctx context.Context, root, dir string) (program string, err error) {
	if err := inHistory(ctx, root, r.Commit); err != nil {
		return "", err
	}
	source, program := filepath.Join(dir, "source"), filepath.Join(dir, "onsale-"+r.Name)
	if err := r.export(ctx, root, source); err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-X main.release="+r.Name+" -X main.commit="+r.Commit[:min(12, len(r.Commit))], "-o", program, "./cmd/onsale")
	build.Dir = source
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", r.Name, err, output)
	}
	return program, nil
}

// export writes a commit's files into a folder.
func (r *Release) export(ctx context.Context, root, into string) error {
	packed := into + ".tar"
	if _, err := git(ctx, root, "archive", "--format=tar", "--output="+packed, r.Commit); err != nil {
		return err
	}
	if err := os.Mkdir(into, 0o750); err != nil {
		return err
	}
	output, err := exec.CommandContext(ctx, "tar", "-xf", packed, "-C", into).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("tar: %w: %s", err, output)
	}
	return errors.Join(err, os.Remove(packed))
}
