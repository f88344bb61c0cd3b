package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"onsale/proof/testenv"
	"onsale/wal/waltest"
)

// No failure of the disk is kept from who asked: each call of a journal's life fails in
// turn, and somebody is told, with the disk's own error.
func TestEveryFailureIsTold(t *testing.T) {
	memory := testenv.MemoryDir(t)
	for _, kind := range waltest.Kinds() {
		for failAt, struck := 1, true; struck; failAt++ {
			root := filepath.Join(memory, fmt.Sprint(kind, failAt))
			if err := os.Mkdir(root, 0o750); err != nil {
				t.Fatal(err)
			}
			disk, err := waltest.New(root)
			if err != nil {
				t.Fatal(err)
			}
			disk.FailAt, disk.FailKind = failAt, kind
			err = lifeOn(disk, filepath.Join(root, "journal"))
			if struck = disk.Struck(); struck && !errors.Is(err, waltest.ErrInjected) || !struck && err != nil {
				t.Fatalf("%s fails (kind %d): told is %v", disk.Last(), kind, err)
			}
		}
	}
}

// lifeOn opens a journal, fills some segments, puts it aside, and closes it. It returns
// the first failure.
func lifeOn(disk *waltest.Disk, dir string) error {
	j, err := Open(dir, Options{SegmentBytes: 1 << 10, Files: disk})
	if err != nil {
		return err
	}
	defer j.Close() // again, for those who failed
	for i := uint64(1); i <= 12; i++ {
		if err := j.Put(block(i)); err != nil {
			if j.Err() == nil {
				return errors.New("a journal that failed lives on")
			}
			return err
		}
		if err := j.Err(); err != nil {
			return fmt.Errorf("who put block %d was told nothing of %w", i, err)
		}
	}
	if err := j.Sync(); err != nil {
		return err
	}
	if _, err := j.Restore(Head{Height: 40, RaftIndex: 50, Hash: Hash{1}}); err != nil {
		return err
	}
	if err := j.Put(block(51)); err != nil {
		return err
	}
	return j.Close()
}
