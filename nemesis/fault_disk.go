package nemesis

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// fillDisk uses up a node's disk. The node ends itself at the first record that it
// cannot store, and its supervisor starts it again.
func fillDisk(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.take(p) {
		return nil, errNotNow
	}
	ballast := filepath.Join(b.stage.disk(p), "ballast")
	return b.whole(p, func() error {
		return os.Remove(ballast)
	}), fill(ballast)
}

// fill writes a file until the disk is full.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, zeros{})
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// failTime is for how long fsyncs fail.
const failTime = 500 * time.Millisecond

// failSync lets every fsync of a node fail for a while. The node must end itself: what
// the kernel did with the pages of a failed fsync nobody knows.
func failSync(ctx context.Context, b *breaker, random *rand.Rand) (func() error, error) {
	p := b.anyVoter(random)
	if !b.take(p) || p.isDead() {
		return nil, errNotNow
	}
	tracer := exec.Command("strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO", "-p", strconv.Itoa(p.pid()))
	if err := tracer.Start(); err != nil {
		return nil, err
	}
	time.Sleep(failTime)
	_ = tracer.Process.Signal(syscall.SIGINT) // it lets go
	_ = tracer.Wait()                         // its exit code is that of the signal
	return b.whole(p, func() error { return nil }), nil
}
