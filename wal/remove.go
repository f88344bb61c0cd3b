package wal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// RemoveDir removes the folder of a log that nobody has open, with everything in it: its
// manifest first, so that what a crash leaves is never taken for a log that misses a
// piece. A folder that is not there is none to remove.
func RemoveDir(files Files, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	manifest := filepath.Join(dir, manifestName)
	if _, err := os.Stat(manifest); err == nil {
		if err := errors.Join(files.Remove(manifest), files.SyncDir(dir)); err != nil {
			return err
		}
	}
	if err := removeAll(files, dir); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(dir))
}

func removeAll(files Files, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			err = removeAll(files, path)
		} else {
			err = files.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	return files.Remove(dir)
}
