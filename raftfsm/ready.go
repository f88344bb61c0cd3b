package raftfsm

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/hashicorp/raft"
)

// Check is one line of a readiness report.
type Check struct {
	Name string
	Err  error // nil when all is well
	// Warning says that the node may get traffic although something is not well.
	Warning bool
}

var (
	errNoLeader = errors.New("no leader is known")
	errBehind   = errors.New("applying committed entries")
)

// appliedLagMax is how many committed entries a ready node may still have to apply.
const appliedLagMax = 256

// Ready says whether this node should get traffic, and if not, why.
func (n *Node) Ready() []Check {
	checks := []Check{{Name: "leader"}, {Name: "log"}, {Name: "journal"}, {Name: "applied"}, {Name: "alive"}, {Name: "disk", Err: checkDisk(n.config.DataDir)}}
	if _, id := n.raft.LeaderWithID(); id == "" {
		checks[0].Err = errNoLeader
	}
	checks[1].Err, checks[2].Err = n.data.Log.Wal().Err(), n.data.Journal.Err()
	if n.raft.CommitIndex() > n.raft.AppliedIndex()+appliedLagMax || n.raft.State() == raft.Leader && !n.Leads() {
		checks[3].Err = errBehind
	}
	if failure := n.life.failure.Load(); failure != nil {
		checks[4].Err = *failure
	}
	return append(checks, Check{Name: "clock", Warning: true, Err: n.watchdog.clockError()})
}

// DiskFreeMin is how many bytes must be free for a node to be ready: twice the next
// segments of both logs, which are laid out in full. A disk that is full ends the process.
const DiskFreeMin = 64 << 20

var errDiskFull = errors.New("the disk is nearly full")

// Disk returns how many bytes are free for this process on the disk of the data
// folder, and how many it has.
func (n *Node) Disk() (free, size int64, err error) { return diskOf(n.config.DataDir) }

func diskOf(dir string) (free, size int64, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, 0, fmt.Errorf("data folder: %w", err)
	}
	block := uint64(disk.Bsize)
	return int64(disk.Bavail * block), int64(disk.Blocks * block), nil
}

func checkDisk(dir string) error {
	free, _, err := diskOf(dir)
	if err == nil && free < DiskFreeMin {
		err = fmt.Errorf("%w: %d MiB are free, at least %d must be", errDiskFull, free>>20, DiskFreeMin>>20)
	}
	return err
}
