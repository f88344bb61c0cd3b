package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"onsale/wal"
)

// SetAside renames the data folder of a node that is stopped, so that the node can
// join its cluster as a new one; nothing is deleted. The node must have been removed
// from its cluster before: it forgets its votes. It returns the new name, or
// wal.ErrLocked while the node runs.
func SetAside(dir string) (string, error) {
	if err := MustBeStopped(dir); err != nil {
		return "", err
	}
	aside, err := asideOf(dir, time.Now())
	if err != nil {
		return "", err
	}
	if err := os.Rename(dir, aside); err != nil {
		return "", err
	}
	return aside, wal.OS{}.SyncDir(filepath.Dir(filepath.Clean(dir)))
}

// asidesMax bounds the folders that are set aside within one second.
const asidesMax = 100

// asideOf returns a name beside a folder that nothing has.
func asideOf(dir string, now time.Time) (string, error) {
	name := fmt.Sprintf("%s-damaged-%s", filepath.Clean(dir), now.UTC().Format("20060102T150405Z"))
	for n := 1; n <= asidesMax; n++ {
		aside := name
		if n > 1 {
			aside = fmt.Sprintf("%s-%d", name, n)
		}
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			return aside, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%d folders are set aside as %s already", asidesMax, name)
}

// MustBeStopped returns wal.ErrLocked while a process has the folder open.
func MustBeStopped(dir string) error {
	f, err := os.Open(filepath.Join(dir, "raft-log", "LOCK"))
	if errors.Is(err, os.ErrNotExist) {
		_, err = os.Stat(dir)
		return err
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%w: %s (%w); stop that process first", wal.ErrLocked, dir, err)
	}
	return nil
}
