package raftfsm

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"onsale/raftfsm/folder"
	"onsale/raftfsm/store"
)

// Disk is how much room a node has for its data, on the file system that has least of those
// that the data folder is on.
type Disk struct {
	FreeBytes int64 `json:"disk_free_bytes"` // for this process
	SizeBytes int64 `json:"disk_size_bytes"`
	// ReserveBytes must stay free for payments, outcomes and snapshots: twice the largest
	// snapshot that is kept, and Config.DiskReserveBytes.
	ReserveBytes int64 `json:"disk_reserve_bytes"`
	// LowSince is since when less than the reserve is free; nil while it is not.
	LowSince *time.Time `json:"disk_low_since,omitempty"`
}

// errStorageLow is what a readiness check warns of.
var errStorageLow = errors.New("the disk has less free than the reserve")

// Err says how much is free while that is too little.
func (d *Disk) Err() error {
	if d.LowSince == nil {
		return nil
	}
	return fmt.Errorf("%w: %d MiB are free, at least %d must be", errStorageLow, d.FreeBytes>>20, d.ReserveBytes>>20)
}

const (
	// diskInterval is how often a node looks at its disk. 300 MB a second would use up
	// half of the least reserve meanwhile.
	diskInterval = 500 * time.Millisecond
	// diskRoomPart is which part of the reserve must be free above it until a disk that
	// was low is not low any more, so that a log that is cut does not end it each time.
	diskRoomPart = 8
)

// diskWatch looks at the disk, on a goroutine of its own: statfs of a file system that
// hangs does not return.
type diskWatch struct {
	dirs    []string
	reserve int64
	// snapshot returns how many bytes the largest snapshot has.
	snapshot func() int64
	// statfs stands in for statfs in tests.
	statfs func(dir string) (free, size int64, err error)
	logger *slog.Logger

	seen atomic.Pointer[Disk] // never nil once the node is open
	err  atomic.Pointer[error]
}

func newDiskWatch(c *Config) *diskWatch {
	w := &diskWatch{reserve: c.DiskReserveBytes, statfs: c.statfs(), logger: c.Logger, dirs: diskDirs(c.DataDir),
		snapshot: func() int64 { return store.SnapshotBytesMax(c.DataDir) }}
	w.seen.Store(new(Disk))
	w.look()
	return w
}

// diskDirs are the folders that may be on file systems of their own.
func diskDirs(dir string) []string {
	return []string{dir, filepath.Join(dir, "raft-log"), filepath.Join(dir, "snapshots"), folder.JournalDir(dir)}
}

// statfs returns how the file systems are asked.
func (c *Config) statfs() func(dir string) (free, size int64, err error) {
	if c.seams.statfs != nil {
		return c.seams.statfs
	}
	return statfs
}

// watch looks until the node stops.
func (w *diskWatch) watch(life *lifecycle) {
	for !life.stopping() {
		life.wait(diskInterval)
		w.look()
	}
}

// look takes in how much is free now. What a file system does not tell is left as it was.
func (w *diskWatch) look() {
	now, err := roomOf(w.statfs, w.dirs)
	w.err.Store(&err)
	if err != nil {
		return
	}
	now.ReserveBytes = w.reserve + 2*w.snapshot()
	before := w.seen.Load()
	now.LowSince = lowSince(&now, before.LowSince)
	w.seen.Store(&now)

	switch {
	case now.LowSince != nil && before.LowSince == nil:
		w.logger.Error("the disk has less free than the reserve; free space or make it larger: buys stop when fewer voters than a quorum have room",
			"free_bytes", now.FreeBytes, "reserve_bytes", now.ReserveBytes)
	case now.LowSince == nil && before.LowSince != nil:
		w.logger.Info("the disk has room again", "free_bytes", now.FreeBytes, "reserve_bytes", now.ReserveBytes)
	}
}

// lowSince returns since when a disk has too little room; before is what it was.
func lowSince(now *Disk, before *time.Time) *time.Time {
	enough := now.ReserveBytes
	if before != nil {
		enough += now.ReserveBytes / diskRoomPart
	}
	switch {
	case now.FreeBytes >= enough:
		return nil
	case before != nil:
		return before
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	return &at
}

// roomOf returns the room of the folder that has least.
func roomOf(statfs func(string) (free, size int64, err error), dirs []string) (least Disk, err error) {
	for i, dir := range dirs {
		free, size, err := statfs(dir)
		if err != nil {
			return Disk{}, fmt.Errorf("data folder: %w", err)
		}
		if i == 0 || free < least.FreeBytes {
			least = Disk{FreeBytes: free, SizeBytes: size}
		}
	}
	return least, nil
}

// statfs returns how many bytes are free for this process where a folder is, and how many
// there are.
func statfs(dir string) (free, size int64, err error) {
	var is syscall.Statfs_t
	if err := syscall.Statfs(dir, &is); err != nil {
		return 0, 0, err
	}
	block := uint64(is.Bsize)
	return int64(is.Bavail * block), int64(is.Blocks * block), nil
}

// Disk returns what the node saw of its disk last, and why it does not see it now.
func (n *Node) Disk() (Disk, error) { return *n.disk.seen.Load(), *n.disk.err.Load() }
