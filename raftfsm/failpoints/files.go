//go:build failpoints

package failpoints

import (
	tidwall "github.com/tidwall/wal"

	"onsale/internal/failpoint"
	"onsale/wal"
)

// Disk returns a disk with failpoints around what makes things durable.
func Disk(files wal.Files) wal.Files { return pointedFiles{files} }

type pointedFiles struct{ wal.Files }

func (f pointedFiles) OpenFile(path string, flag int) (wal.File, error) {
	file, err := f.Files.OpenFile(path, flag)
	return pointedFile{file}, err
}

func (f pointedFiles) Rename(from, to string) error {
	if err := failpoint.Err(failpoint.RenameBefore); err != nil {
		return err
	}
	err := f.Files.Rename(from, to)
	failpoint.Hit(failpoint.RenameAfter)
	return err
}

func (f pointedFiles) OpenAppender(dir string, options *tidwall.Options) (wal.Appender, error) {
	return f.Files.OpenAppender(dir, options)
}

type pointedFile struct{ wal.File }

func (f pointedFile) Sync() error {
	if err := failpoint.Err(failpoint.SyncBefore); err != nil {
		return err
	}
	err := f.File.Sync()
	failpoint.Hit(failpoint.SyncAfter)
	return err
}
