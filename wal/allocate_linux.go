package wal

import (
	"errors"
	"syscall"
)

// Allocate does nothing where the file system cannot, or the disk is full: that is
// slower, not wrong, and a full disk is the append's to tell.
func (f osFile) Allocate(size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}
