package follow

import (
	"context"
	"time"

	"onsale/wal/journal"
)

// PollInterval is how often a folder is looked at for new blocks.
const PollInterval = 200 * time.Millisecond

// Folder is a journal in a directory, of a node that runs or of none. It belongs to one goroutine.
type Folder struct {
	dir   string
	head  journal.Head
	block Block
}

var _ Source = (*Folder)(nil)

// NewFolder begins in front of the first block.
func NewFolder(dir string) *Folder { return NewFolderAfter(dir, journal.Head{}) }

// NewFolderAfter begins behind a block that was read before: Read returns journal.ErrCorrupt when
// the directory has another one at its height, or begins behind it. Of a zero head it is NewFolder.
func NewFolderAfter(dir string, head journal.Head) *Folder { return &Folder{dir: dir, head: head} }

// Head implements Source.
func (f *Folder) Head() journal.Head { return f.head }

// Read implements Source.
func (f *Folder) Read(ctx context.Context, fn func(*Block) error) error {
	one := func(b *journal.Block) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.block.Decode(b); err != nil {
			return err
		}
		if err := fn(&f.block); err != nil {
			return err
		}
		f.head = b.Head()
		return nil
	}
	var err error
	if f.head.Height == 0 {
		_, err = journal.Scan(f.dir, one)
	} else {
		_, err = journal.ScanAfter(f.dir, f.head, one)
	}
	return err
}

// Wait implements Source.
func (f *Folder) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(PollInterval):
		return nil
	}
}
