package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fillDisk leaves a node hardly any room on its disk, by making the disk smaller. The
// node stops storing at the first record that it cannot store, shows what it has, and
// begins again when there is room.
func fillDisk(_ context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.take(p) {
		return nil, errNotNow
	}
	disk := b.stage.disk(p)
	return b.whole(p, func() error { return resize(disk, diskMiB<<10) }), shrink(disk)
}

// roomKiB is left on a full disk, and shrinkTries how often that is tried: the node
// writes meanwhile.
const (
	roomKiB     = 128
	shrinkTries = 20
)

func shrink(disk string) error {
	var failed error
	for range shrinkTries {
		var is unix.Statfs_t
		if err := unix.Statfs(disk, &is); err != nil {
			return err
		}
		used := (is.Blocks - is.Bfree) * uint64(is.Bsize) >> 10
		if failed = resize(disk, used+roomKiB); failed == nil {
			return nil
		}
	}
	return failed
}

func resize(disk string, sizeKiB uint64) error {
	return each(fmt.Sprintf("mount -o remount,size=%dk %s", sizeKiB, disk))
}

// failTime is for how long fsyncs fail.
const failTime = 500 * time.Millisecond

// failSync lets every fsync of a node fail for a while. The node must end itself: what
// the kernel did with the pages of a failed fsync nobody knows.
func failSync(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if p.isDead() || !b.take(p) {
		return nil, errNotNow
	}
	tracer := exec.Command("strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO", "-p", strconv.Itoa(p.last().PID()))
	if err := tracer.Start(); err != nil {
		return nil, err
	}
	time.Sleep(failTime)
	endTracer(tracer)
	return b.whole(p, func() error { return nil }), nil
}

// tracerTime is within what a tracer lets go of a process when it is told to.
const tracerTime = 2 * time.Second

// endTracer tells a tracer to let go, and kills it when it does not: strace waits for
// ever for a process that died while it attached to it. The kernel detaches a dead
// tracer's process.
func endTracer(tracer *exec.Cmd) {
	_ = tracer.Process.Signal(syscall.SIGINT)
	last := time.AfterFunc(tracerTime, func() { _ = tracer.Process.Kill() })
	defer last.Stop()
	_ = tracer.Wait() // its exit code is that of the signal
}
