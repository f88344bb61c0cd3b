package raftfsm

import (
	"errors"
	"fmt"
	"syscall"
)

// DiskFreeMin is how many bytes must be free for a node to be ready: twice the next
// segments of both logs, which are laid out in full. A disk that is full ends the process.
const DiskFreeMin = 64 << 20

var errDiskFull = errors.New("the disk is nearly full")

// Disk returns how many bytes are free for this process on the disk of the data
// folder, and how many it has.
func (n *Node) Disk() (free, size int64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(n.config.DataDir, &disk); err != nil {
		return 0, 0, fmt.Errorf("data folder: %w", err)
	}
	block := uint64(disk.Bsize)
	return int64(disk.Bavail * block), int64(disk.Blocks * block), nil
}

func (n *Node) checkDisk() error {
	free, _, err := n.Disk()
	if err == nil && free < DiskFreeMin {
		err = fmt.Errorf("%w: %d MiB are free, at least %d must be", errDiskFull, free>>20, DiskFreeMin>>20)
	}
	return err
}
