package orderindex

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// dropCached makes the page cache forget a file whose pages are all on the disk.
func dropCached(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
}
