package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"onsale/internal/durable"
)

// Folder is a store in a folder, of a disk or of a file system that machines share. That file
// system must have hard links.
type Folder struct{ dir string }

// NewFolder returns the store in a folder.
func NewFolder(dir string) *Folder { return &Folder{filepath.Clean(dir)} }

// String implements Store.
func (f *Folder) String() string { return "file://" + f.dir }

// unfinished is the folder of objects that have no name yet.
const unfinished = "unfinished"

// unfinishedAge is how old an object without a name is when it is taken for what a crash left.
const unfinishedAge = 24 * time.Hour

// PutOnce implements Store.
//
// What if we die here? The bytes are written and synced under another name, and a hard link
// gives them theirs: it is refused when the name is taken, also to two at once. So a name stands for
// all of an object, or for none; what died before it got one is removed by a later put.
func (f *Folder) PutOnce(ctx context.Context, key string, from io.ReadSeeker, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path := f.path(key)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	aside, err := f.writeAside(from, size)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(aside) }() // the object has its own name by then, or nobody wants it
	if err := makeDirs(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Link(aside, path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", ErrExists, path)
	} else if err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// writeAside writes bytes to a file of their own, durably, and returns its path.
func (f *Folder) writeAside(from io.Reader, size int64) (path string, err error) {
	dir := f.path(unfinished)
	if err := makeDirs(dir); err != nil {
		return "", err
	}
	f.tidy(dir)
	file, err := os.CreateTemp(dir, "put-*")
	if err != nil {
		return "", err
	}
	_, err = io.CopyN(file, from, size)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// tidy removes what was left without a name. A put that takes longer than that loses its file,
// is told so by the link, and is tried again.
func (f *Folder) tidy(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // the put will say so
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > unfinishedAge {
			_ = os.Remove(filepath.Join(dir, e.Name())) // another one may have
		}
	}
}

// Get implements Store.
func (f *Folder) Get(_ context.Context, key string) (io.ReadCloser, error) {
	file, err := os.Open(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, f.path(key))
	}
	return file, err
}

// List implements Store.
func (f *Folder) List(ctx context.Context, prefix, after string) (keys []string, err error) {
	root := f.path(filepath.Dir(prefix + "x")) // nothing outside of this folder begins so
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil || e.IsDir() {
			return err
		}
		key, err := filepath.Rel(f.dir, path)
		if key = filepath.ToSlash(key); strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
		return err
	})
	slices.Sort(keys)
	return keys, err
}

// Remove implements Store.
func (f *Folder) Remove(_ context.Context, key string) error {
	if err := os.Remove(f.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *Folder) path(key string) string { return filepath.Join(f.dir, filepath.FromSlash(key)) }

// makeDirs makes a folder whose name survives a crash.
func makeDirs(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := makeDirs(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncFolder(parent)
}
