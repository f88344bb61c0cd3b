package wal

import (
	"errors"
	"syscall"
)

// notAllocated are the errors of fallocate after which the file is as it was and may be
// written all the same: the file system or the kernel cannot, or a sandbox forbids the
// call, a signal came in between, or the disk is full.
var notAllocated = [...]error{syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL, syscall.EPERM, syscall.EINTR, syscall.ENOSPC}

// Allocate does nothing where the file system cannot, or the disk is full: that is
// slower, not wrong, and a full disk is the append's to tell.
func (f osFile) Allocate(size int64) error {
	return allocateError(syscall.Fallocate(int(f.Fd()), 0, 0, size))
}

func allocateError(err error) error {
	for _, harmless := range notAllocated {
		if errors.Is(err, harmless) {
			return nil
		}
	}
	return err
}
