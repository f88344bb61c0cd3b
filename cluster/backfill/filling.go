package backfill

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"onsale/wal"
	"onsale/wal/journal"
)

// errOther is returned when a folder's blocks belong to another gap than its name says.
var errOther = errors.New("the filling belongs to another gap")

// filling is a gap that is being filled: a log of the blocks from its beginning on.
type filling struct {
	dir   string
	files wal.Files
	log   *wal.Log
	head  journal.Head // of the last block; of the one in front of the gap when there is none
	// from are the peers whose blocks are here; "" for those of an earlier start.
	from []string
}

const fillingInfix = "-filling-"

func fillingDir(journalDir string, first uint64) string {
	return fmt.Sprintf("%s%s%d", journalDir, fillingInfix, first)
}

// begin opens the filling of a gap, and throws away what is there when it is of no use,
// or could not be read or written: nobody knows then what of it is on the disk.
func (f *Filler) begin(gap journal.Gap) (*filling, error) {
	dir := fillingDir(f.history.Dir(), gap.First)
	w, err := f.open(dir, gap)
	if err == nil || errors.Is(err, wal.ErrLocked) {
		return w, err
	}
	if f.stop.Err() != nil {
		return nil, err
	}
	f.config.Logger.Warn("what was filled into a gap of the journal is of no use and is thrown away", "folder", dir, "error", err)
	if err := f.discard(dir); err != nil {
		return nil, err
	}
	return f.open(dir, gap)
}

// open opens the filling of a gap where it was left.
func (f *Filler) open(dir string, gap journal.Gap) (*filling, error) {
	o := wal.DefaultOptions()
	o.SegmentBytes, o.RecordBytesMax, o.NoSync, o.Files = f.config.SegmentBytes, journal.BlockBytesMax, true, f.config.Files
	log, err := wal.Open(dir, o)
	if err != nil {
		return nil, err
	}
	w := &filling{dir: dir, files: f.config.Files, log: log, head: journal.Head{Height: gap.First - 1, Hash: gap.Before}}
	if err := w.resume(gap); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return w, nil
}

func (w *filling) resume(gap journal.Gap) error {
	first, last := w.log.FirstIndex(), w.log.LastIndex()
	switch {
	case last == 0 && w.log.NextIndex() == gap.First:
		return nil
	case last == 0:
		return w.log.Reset(gap.First)
	case first != gap.First || last > gap.Last:
		return fmt.Errorf("%w: it has blocks %d to %d, %v are missing", errOther, first, last, gap.Span)
	}
	begins, err := w.block(first)
	if err == nil {
		err = begins.Follows(gap.Before)
	}
	if err != nil {
		return err
	}
	ends, err := w.block(last)
	w.head, w.from = ends.Head(), []string{""}
	return err
}

func (w *filling) block(height uint64) (journal.Block, error) {
	data, err := w.log.Read(height)
	if err != nil {
		return journal.Block{}, err
	}
	b, err := journal.DecodeBlock(data)
	if err == nil && b.Height != height {
		err = fmt.Errorf("%w: record %d holds block %d", journal.ErrCorrupt, height, b.Height)
	}
	return b, err
}

// add stores blocks of a peer that were checked, and syncs them: the disk never has
// more than a page of ours to write when the raft log wants its fsync.
func (w *filling) add(peer string, blocks [][]byte, head journal.Head) error {
	if err := w.log.Append(w.head.Height+1, blocks); err != nil {
		return err
	}
	if err := w.log.Sync(); err != nil {
		return err
	}
	w.head = head
	if !slices.Contains(w.from, peer) {
		w.from = append(w.from, peer)
	}
	return nil
}

// finish makes the filling, which is closed, a part; what if we die here is argued in
// doc.go.
func (w *filling) finish(journalDir string, s journal.Span) error {
	if err := w.files.Rename(w.dir, journal.PartDir(journalDir, s)); err != nil {
		return err
	}
	return w.files.SyncDir(filepath.Dir(w.dir))
}

// discard throws a filling away.
func (f *Filler) discard(dir string) error {
	f.counters.discarded.Add(1)
	return wal.RemoveDir(f.config.Files, dir)
}

// tidy throws away the fillings of gaps that are none any more: somebody copied the
// blocks here.
func (f *Filler) tidy(spans []journal.Span) {
	journalDir := f.history.Dir()
	entries, err := os.ReadDir(filepath.Dir(journalDir))
	if err != nil {
		return // the round says so
	}
	for _, e := range entries {
		first, is := strings.CutPrefix(e.Name(), filepath.Base(journalDir)+fillingInfix)
		height, err := strconv.ParseUint(first, 10, 64)
		if !is || err != nil || slices.ContainsFunc(spans, func(s journal.Span) bool { return s.First == height }) {
			continue
		}
		if err := f.discard(fillingDir(journalDir, height)); err != nil {
			_ = f.failed("a filling that is not needed any more cannot be removed", err)
		}
	}
}
