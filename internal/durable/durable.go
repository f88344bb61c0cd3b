// Package durable makes the names of files durable, which syncing the files does not: after a crash a
// file may be whole and in no folder.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// SyncFolder makes the names in a folder durable: what was made, renamed and removed there.
func SyncFolder(path string) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
