package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Open opens the log in a directory, which it creates when it is not there, and
// repairs a torn tail. It returns ErrLocked, ErrCorrupt, ErrVersion or what the
// file system says.
func Open(dir string, options Options) (*Log, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.Files == nil {
		options.Files = OS{}
	}
	if err := MakeDir(options.Files, dir); err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, options: options, files: options.Files, lock: lock}
	if err := l.open(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

// lockDir takes the directory's lock; the kernel gives it up when the process ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("%w: %s (%w); stop that process first", ErrLocked, dir, err)
	}
	return f, nil
}

func (l *Log) open() error {
	if err := l.settle(); err != nil {
		return err
	}
	firsts, err := l.findSegments()
	if err != nil {
		return err
	}
	for _, first := range firsts {
		l.segments = append(l.segments, &segment{first: first})
	}
	if err := l.repairTail(); err != nil {
		return err
	}
	if err := l.checkOlder(); err != nil {
		return err
	}
	l.first = l.segments[0].first
	l.next = l.tail().first + uint64(l.tail().count())
	return l.openWriter()
}

// settle reads the manifest and finishes what a crash interrupted: the very
// first start, or a reset.
func (l *Log) settle() error {
	m, found, err := readManifest(l.dir)
	if err != nil {
		return err
	}
	if found && m.resetting == 0 {
		l.manifest = m
		return nil
	}
	next := uint64(1)
	if found {
		next = m.resetting
	} else if err := l.mustBeNew(); err != nil {
		return err
	}
	return l.startAfresh(next)
}

// mustBeNew refuses a directory that has records but no manifest.
func (l *Log) mustBeNew() error {
	firsts, err := listSegments(l.dir)
	if err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	for _, first := range firsts {
		info, err := os.Stat(segmentPath(l.dir, first))
		if err != nil || info.Size() > 0 {
			return fmt.Errorf("%w: %s has segment %d but no %s; restore this node's data from a peer", ErrCorrupt, l.dir, first, manifestName)
		}
	}
	return nil
}

// startAfresh removes all segments and makes an empty one at next.
func (l *Log) startAfresh(next uint64) error {
	firsts, err := listSegments(l.dir)
	if err != nil {
		return err
	}
	for _, first := range firsts {
		if err := l.files.Remove(segmentPath(l.dir, first)); err != nil {
			return err
		}
	}
	if err := createSegment(l.files, l.dir, next); err != nil {
		return err
	}
	l.manifest = manifest{oldest: next, newest: next}
	return l.manifest.write(l.files, l.dir)
}

// findSegments returns the segments that belong to the log. It removes what a
// truncation left in front and takes an empty one that a crash left behind.
func (l *Log) findSegments() ([]uint64, error) {
	firsts, err := listSegments(l.dir)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	for len(firsts) > 0 && firsts[0] < l.manifest.oldest {
		if err := l.files.Remove(segmentPath(l.dir, firsts[0])); err != nil {
			return nil, fmt.Errorf("wal: %w", err)
		}
		firsts = firsts[1:]
	}
	for _, must := range [...]uint64{l.manifest.oldest, l.manifest.newest} {
		if !slices.Contains(firsts, must) {
			return nil, fmt.Errorf("%w: segment %s is missing; restore this node's data from a peer", ErrCorrupt, segmentPath(l.dir, must))
		}
	}
	if newest := firsts[len(firsts)-1]; newest != l.manifest.newest {
		l.manifest.newest = newest
		if err := l.manifest.write(l.files, l.dir); err != nil {
			return nil, fmt.Errorf("wal: %w", err)
		}
	}
	return firsts, nil
}

// repairTail scans the newest segment and cuts what a torn append left.
func (l *Log) repairTail() error {
	tail := l.tail()
	path := segmentPath(l.dir, tail.first)
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	offsets, rest := scanSegment(data, tail.first)
	tail.offsets = offsets
	if len(rest) == 0 {
		return nil
	}
	torn := withoutZeros(rest)
	if len(torn) == 0 { // what preallocate put there
		return truncateFile(l.files, path, tail.size())
	}
	if err := checkVersion(rest); err != nil {
		return fmt.Errorf("%s: offset %d: %w", path, tail.size(), err)
	}
	expected := tail.first + uint64(tail.count())
	if l.mustBeDamage(rest, expected) {
		return fmt.Errorf("%w: %s: record %d at offset %d is not valid, and no crash did this: it was durable before what follows it was written; restore this node's data from a peer",
			ErrCorrupt, path, expected, tail.size())
	}
	return l.cut(path, tail.size(), torn, expected-1)
}

// mustBeDamage tells damage from what a crash leaves. Appends that nobody synced may
// have reached the disk in any order.
func (l *Log) mustBeDamage(rest []byte, expected uint64) bool {
	if l.options.NoSync {
		return expected <= l.options.DurableIndex
	}
	return holdsLaterAppend(rest, expected)
}

// cut keeps a copy of the rest and then removes it from the segment, so that
// dying in between loses nothing.
func (l *Log) cut(path string, size int64, rest []byte, last uint64) error {
	torn := filepath.Join(l.dir, "torn")
	if err := MakeDir(l.files, torn); err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	copyPath := filepath.Join(torn, fmt.Sprintf("%s-%d", filepath.Base(path), size))
	if err := errors.Join(writeFileSync(l.files, copyPath, rest), l.files.SyncDir(torn)); err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	if err := truncateFile(l.files, path, size); err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	l.repaired = Repair{Bytes: int64(len(rest)), LastIndex: last, Copy: copyPath}
	return nil
}

// checkOlder reads the older segments, when the options ask for it.
func (l *Log) checkOlder() error {
	for i := range l.segments[:len(l.segments)-1] {
		if !l.options.CheckAll {
			return nil
		}
		if err := l.segments[i].load(l.dir, l.segments[i+1].first); err != nil {
			return err
		}
	}
	return nil
}
