package folder

import (
	"path/filepath"

	"onsale/wal"
)

// tryName is a file that is written to try the disk, and says nothing.
const tryName = "disk-is-there"

// TryDisk writes a file to a data folder and makes it durable: it returns when the disk does.
func TryDisk(files wal.Files, dir string) error {
	return wal.ReplaceFile(files, filepath.Join(dir, tryName), []byte("yes"))
}
