package wal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	tidwall "github.com/tidwall/wal"
)

// Files is every call by which a log, a journal or an identity file changes a
// disk: the one seam at which tests inject faults and lose what was not synced.
// Reading goes to the operating system directly.
type Files interface {
	// OpenFile is os.OpenFile for writing.
	OpenFile(path string, flag int) (File, error)
	// MkdirAll, Rename and Remove change names; they are durable after SyncDir
	// of the folder that holds the names.
	MkdirAll(dir string) error
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error
	// OpenAppender opens tidwall/wal on the newest segment of a folder.
	OpenAppender(dir string, options *tidwall.Options) (Appender, error)
}

// File is an open file that is written.
type File interface {
	Write(data []byte) (int, error)
	Truncate(size int64) error
	// Allocate extends the file with zeros to a size, if it is shorter.
	Allocate(size int64) error
	Sync() error
	Close() error
}

// Appender is what a log needs of tidwall/wal: one write, and one fsync unless its
// options have NoSync; Close syncs.
type Appender interface {
	WriteBatch(batch *tidwall.Batch) error
	Close() error
}

// OS is the operating system's files.
type OS struct{}

// OpenFile implements Files.
func (OS) OpenFile(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, 0o640)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// MkdirAll implements Files.
func (OS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o750) }

// Rename implements Files.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements Files.
func (OS) Remove(path string) error { return os.Remove(path) }

// SyncDir implements Files.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenAppender implements Files.
func (OS) OpenAppender(dir string, options *tidwall.Options) (Appender, error) {
	return openAppender(dir, options)
}

type osFile struct{ *os.File }

// MakeDir makes a folder whose name survives a crash, unless it is there already.
func MakeDir(files Files, dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if parent != dir {
		if err := MakeDir(files, parent); err != nil {
			return err
		}
	}
	if err := files.MkdirAll(dir); err != nil {
		return err
	}
	return files.SyncDir(parent)
}

// ReplaceFile writes a file aside, syncs it, and gives it its name: after a crash
// the name stands for the old content or the new one, after the return for the
// new one.
func ReplaceFile(files Files, path string, data []byte) error {
	if err := writeFileSync(files, path+".new", data); err != nil {
		return err
	}
	if err := files.Rename(path+".new", path); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(path))
}

func writeFileSync(files Files, path string, data []byte) error {
	f, err := files.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

func truncateFile(files Files, path string, size int64) error {
	f, err := files.OpenFile(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}
