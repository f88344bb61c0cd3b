// Package fault is a disk for tests. It counts the calls by which a log, a journal
// or an identity file changes files, lets one of them fail in a chosen way, and
// lays out every folder that a power cut at that moment could leave: without the
// bytes that were not fsynced, with a part of them, without the names whose folder
// was not synced.
//
// The model is what POSIX promises and no more, but for one thing: name changes of
// one folder reach the disk in the order in which they were made, as they do on
// every journaling file system.
package waltest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	tidwall "github.com/tidwall/wal"

	"onsale/wal"
)

// ErrInjected is what a call that was chosen to fail returns.
var ErrInjected = errors.New("injected fault")

// Kind is how a call fails.
type Kind int

// The kinds.
const (
	// Nothing happens, and the call returns an error.
	Nothing Kind = iota
	// Half of the bytes are written, then the call returns an error; calls that
	// write no bytes do nothing.
	Half
	// Late is a call that does all of its work and returns an error. A sync does
	// not make anything durable.
	Late
	kinds
)

// Kinds are all of them.
func Kinds() (all []Kind) {
	for k := range kinds {
		all = append(all, k)
	}
	return all
}

// Disk is a folder whose changes are counted and remembered.
type Disk struct {
	// FailAt is the call that fails, counted from 1; 0 is none. FailKind says how.
	FailAt   int
	FailKind Kind
	// After is called after each call, when it is set.
	After func(call int, what string)

	root string

	mu    sync.Mutex
	calls int
	what  string // the last call
	tree  *node
}

// New takes a folder, everything in which is durable already.
func New(root string) (*Disk, error) {
	d := &Disk{root: root, tree: newFolder()}
	return d, adopt(root, d.tree)
}

// Calls returns how many calls there were.
func (d *Disk) Calls() int { return d.calls }

// Last says what the last call was.
func (d *Disk) Last() string { return d.what }

// Struck reports whether the chosen call was reached.
func (d *Disk) Struck() bool { return d.FailAt > 0 && d.calls >= d.FailAt }

// call counts one call, does it as the fault wants, and tells After. whole does all
// of the work; half does half of it and may be nil.
func (d *Disk) call(what string, whole, half func() error) error {
	d.mu.Lock()
	d.calls++
	call := d.calls
	d.what = fmt.Sprintf("call %d: %s", call, what)
	err := d.do(call == d.FailAt, whole, half)
	d.mu.Unlock()
	if d.After != nil {
		d.After(call, what)
	}
	return err
}

func (d *Disk) do(fails bool, whole, half func() error) error {
	switch {
	case !fails:
		return whole()
	case d.FailKind == Late:
		return errors.Join(ErrInjected, whole())
	case d.FailKind == Half && half != nil:
		return errors.Join(ErrInjected, half())
	}
	return ErrInjected
}

func (d *Disk) relative(path string) string {
	relative, err := filepath.Rel(d.root, path)
	if err != nil {
		panic(err)
	}
	return relative
}

// OpenFile implements wal.Files.
func (d *Disk) OpenFile(path string, flag int) (f wal.File, err error) {
	err = d.call("open "+d.relative(path), func() error {
		if f, err = (wal.OS{}).OpenFile(path, flag); err != nil {
			return err
		}
		folder, name := d.parent(path)
		if folder.now[name] == nil {
			folder.change(map[string]*node{name: new(node)})
		}
		f = &file{d, path, f}
		return nil
	}, nil)
	if err != nil && f != nil {
		_ = f.(*file).real.Close() // the power is cut
		f = nil
	}
	return f, err
}

// MkdirAll implements wal.Files; the parent must be there.
func (d *Disk) MkdirAll(path string) error {
	return d.call("mkdir "+d.relative(path), func() error {
		folder, name := d.parent(path)
		if folder.now[name] == nil {
			folder.change(map[string]*node{name: newFolder()})
		}
		return (wal.OS{}).MkdirAll(path)
	}, nil)
}

// Rename implements wal.Files, within one folder.
func (d *Disk) Rename(from, to string) error {
	return d.call("rename "+d.relative(from)+" to "+filepath.Base(to), func() error {
		folder, name := d.parent(from)
		other, newName := d.parent(to)
		if folder != other {
			panic("fault: rename between folders")
		}
		folder.now[newName].leave(to)
		if err := os.Rename(from, to); err != nil {
			return err
		}
		folder.change(map[string]*node{name: nil, newName: folder.now[name]})
		return nil
	}, nil)
}

// Remove implements wal.Files.
func (d *Disk) Remove(path string) error {
	return d.call("remove "+d.relative(path), func() error {
		folder, name := d.parent(path)
		folder.now[name].leave(path)
		folder.change(map[string]*node{name: nil})
		return os.Remove(path)
	}, nil)
}

// SyncDir implements wal.Files.
func (d *Disk) SyncDir(path string) error {
	return d.sync("sync folder "+d.relative(path), func() { d.find(path).settle() })
}

// sync is a call that makes something durable, unless it fails.
func (d *Disk) sync(what string, settle func()) error {
	return d.call(what, func() error {
		if d.calls != d.FailAt {
			settle()
		}
		return nil
	}, nil)
}

type file struct {
	disk *Disk
	path string
	real wal.File
}

func (f *file) Write(data []byte) (n int, err error) {
	write := func(size int) func() error {
		return func() error { n, err = f.real.Write(data[:size]); return err }
	}
	err = f.disk.call(fmt.Sprintf("write %d bytes to %s", len(data), f.disk.relative(f.path)), write(len(data)), write(len(data)/2))
	return n, err
}

func (f *file) Truncate(size int64) error {
	return f.disk.call(fmt.Sprintf("truncate %s to %d", f.disk.relative(f.path), size), func() error { return f.real.Truncate(size) }, nil)
}

func (f *file) Allocate(size int64) error {
	return f.disk.call("allocate "+f.disk.relative(f.path), func() error { return f.real.Allocate(size) }, nil)
}

func (f *file) Sync() error {
	return f.disk.sync("sync "+f.disk.relative(f.path), func() { f.disk.find(f.path).settleFile(f.path) })
}

// Close frees the handle in any case, as close(2) does.
func (f *file) Close() error {
	closed := errors.New("not closed")
	err := f.disk.call("close "+f.disk.relative(f.path), func() error { closed = f.real.Close(); return closed }, nil)
	if closed != nil {
		_ = f.real.Close() // the power is cut, or the failure is told
	}
	return err
}

// OpenAppender implements wal.Files.
func (d *Disk) OpenAppender(dir string, options *tidwall.Options) (appender wal.Appender, err error) {
	err = d.call("open the writer of "+d.relative(dir), func() error {
		inner, err := wal.OS{}.OpenAppender(dir, options)
		if err != nil {
			return err
		}
		appender = &tail{d, newestSegment(dir), options.NoSync, inner}
		return nil
	}, nil)
	if err != nil && appender != nil {
		_ = appender.(*tail).inner.Close() // the power is cut
		appender = nil
	}
	return appender, err
}
