package raftfsm

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// ErrNoRoom is returned when a node must not begin to write, since it would end at once on a
// full disk.
var ErrNoRoom = errors.New("the disk has no room for a node that writes")

// IsNoRoom reports whether an error says that a disk is full, or a quota of it used up.
func IsNoRoom(err error) bool {
	return errors.Is(err, ErrNoRoom) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// writeRoom returns how many bytes must be free for a node to begin to write: room for two
// segments of both logs, which are laid out in full, and no more than the reserve. A node
// that writes already goes on to the last byte.
func (c *Config) writeRoom() int64 {
	return min(2*int64(c.LogSegmentBytes+c.JournalSegmentBytes), c.DiskReserveBytes)
}

// CheckRoom returns ErrNoRoom when a node must not begin to write. A data folder that is
// not there yet says nothing.
func CheckRoom(c *Config) error {
	is, err := roomOf(c.statfs(), diskDirs(c.DataDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if least := c.writeRoom(); err == nil && is.FreeBytes < least {
		err = fmt.Errorf("%w: %d KiB are free, at least %d must be", ErrNoRoom, is.FreeBytes>>10, least>>10)
	}
	return err
}
