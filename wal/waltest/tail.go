package waltest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	tidwall "github.com/tidwall/wal"

	"onsale/wal"
)

// tail is tidwall/wal on the newest segment. That library has no seam: what it
// wrote is seen by comparing the file before and after, and taken back as the
// fault wants.
type tail struct {
	disk   *Disk
	path   string
	noSync bool
	inner  wal.Appender
}

// newestSegment returns the file that tidwall/wal appends to.
func newestSegment(dir string) string {
	paths, err := filepath.Glob(filepath.Join(dir, "[0-9]*"))
	if err != nil || len(paths) == 0 {
		panic(fmt.Sprintf("fault: no segment in %s: %v", dir, err))
	}
	return paths[len(paths)-1]
}

func (t *tail) WriteBatch(batch *tidwall.Batch) error {
	before := mustRead(t.path)
	var written error
	err := t.disk.call("append to "+t.disk.relative(t.path),
		func() error { written = t.inner.WriteBatch(batch); return written },
		func() error {
			written = t.inner.WriteBatch(batch)
			after := mustRead(t.path)
			from, to := difference(before, after)
			return errors.Join(written, t.rewrite(before, after[from:from+(to-from)/2], from))
		})
	if err != nil || t.noSync {
		return err
	}
	return t.disk.sync("sync "+t.disk.relative(t.path), t.settle)
}

// rewrite puts back what the file was, with a piece of what is new.
func (t *tail) rewrite(before, piece []byte, at int) error {
	f, err := os.OpenFile(t.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, writeErr := f.WriteAt(before, 0)
	_, pieceErr := f.WriteAt(piece, int64(at))
	return errors.Join(writeErr, f.Truncate(int64(max(len(before), at+len(piece)))), pieceErr, f.Close())
}

func (t *tail) settle() { t.disk.find(t.path).settleFile(t.path) }

// Close syncs and frees the handle in any case.
func (t *tail) Close() error {
	err := t.disk.sync("sync "+t.disk.relative(t.path), t.settle)
	return errors.Join(err, t.inner.Close())
}
