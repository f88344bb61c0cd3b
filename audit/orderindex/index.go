package orderindex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onsale/wal/journal"
)

const (
	// PairsMax bounds the pairs in memory, of 16 bytes, and blocksMax the blocks since the last
	// run: so many are read again after a crash.
	PairsMax  = 1 << 17
	blocksMax = 1 << 16
	// stepBlocks is how many blocks are read at a time.
	stepBlocks = 64
	// Share is the part of a processor that the index takes while it catches up: one in so many.
	Share = 4
	// idleWait is how long to wait for new blocks unless somebody asks, and troubleWait after an
	// error.
	idleWait    = 250 * time.Millisecond
	troubleWait = 5 * time.Second
)

// Journal is where the blocks are: *journal.History.
type Journal interface {
	// Block returns the block at a height. journal.ErrNotKept.
	Block(height uint64) (journal.Block, error)
	// Missing returns the heights below the journal's end that are not here.
	Missing() ([]journal.Span, error)
	// Position returns the head of the blocks that were applied.
	Position() journal.Head
}

// Index is the index of one journal. Run makes it; the other methods may be called by any
// goroutine.
type Index struct {
	dir     string
	journal Journal
	room    func() bool // whether the disk has room for more
	logger  *slog.Logger
	asked   chan struct{} // somebody waits for blocks

	pairsMax uint64 // PairsMax, but in tests

	mu      sync.RWMutex
	runs    []*run       // by span; none overlap
	pending []pair       // of the blocks in span
	span    journal.Span // Last is 0 when there are none
	head    journal.Hash // of the block at span.Last
	moved   chan struct{}
	damaged []*run // found by who searched

	// Run's alone.
	unproven []*run // end with a block that was not applied yet since the start
	decoded  decoded
	counters struct{ blocks, merges, remade, failed atomic.Uint64 }
}

// New returns the index in a folder, which Run makes when it is not there. room says whether the
// disk has room.
func New(dir string, j Journal, room func() bool, logger *slog.Logger) *Index {
	return &Index{dir: dir, journal: j, room: room, logger: logger, pairsMax: PairsMax, asked: make(chan struct{}, 1), moved: make(chan struct{})}
}

// Run keeps the index up to date until ctx ends; then it writes what is in memory, and closes its
// files.
func (x *Index) Run(ctx context.Context) {
	defer x.close()
	for opened := false; ctx.Err() == nil; {
		began := time.Now()
		var blocks int
		var err error
		if !opened {
			err = x.open()
			opened = err == nil
		} else if x.room() {
			blocks, err = x.step()
		}
		wait := (Share - 1) * time.Since(began)
		switch {
		case err != nil:
			x.counters.failed.Add(1)
			x.logger.Warn("the index of orders waits", "error", err)
			wait = troubleWait
		case blocks < stepBlocks:
			wait = max(wait, idleWait)
		}
		x.pause(ctx, wait, blocks < stepBlocks && err == nil)
	}
}

// pause waits, when it may be short until somebody asks.
func (x *Index) pause(ctx context.Context, wait time.Duration, short bool) {
	asked := x.asked
	if !short {
		asked = nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-asked:
	case <-ctx.Done():
	}
}

// open reads which runs there are, and deletes what is none.
func (x *Index) open() error {
	if err := os.MkdirAll(x.dir, 0o750); err != nil {
		return err
	}
	entries, err := os.ReadDir(x.dir)
	if err != nil {
		return err
	}
	var runs []*run
	for _, e := range entries { // by name, so by first height; of two that begin there the longer comes last
		path := filepath.Join(x.dir, e.Name())
		if strings.HasPrefix(e.Name(), unfinished) {
			err = errors.Join(err, os.Remove(path))
			continue
		}
		r, openErr := openRun(path)
		if openErr != nil {
			x.tellRemade(e.Name(), openErr)
			err = errors.Join(err, os.Remove(path))
			continue
		}
		runs = append(runs, r)
	}
	x.unproven = withoutCovered(runs)
	return err
}

func (x *Index) tellRemade(file string, why error) {
	x.counters.remade.Add(1)
	x.logger.Info("a part of the index of orders is made again", "file", file, "why", why)
}

// prove takes in the runs whose last block was applied and is the one that they name, and deletes
// those that are of another journal. After a start the raft log is replayed first, which may be
// longer than a run: the blocks of one that waits are not read meanwhile.
func (x *Index) prove() {
	end := x.journal.Position().Height
	x.unproven = slices.DeleteFunc(x.unproven, func(r *run) bool {
		if r.span.Last > end {
			return false
		}
		b, err := x.journal.Block(r.span.Last)
		if err == nil && b.Hash == r.head {
			x.insert(r)
			return true
		}
		x.tellRemade(filepath.Base(r.file.Name()), fmt.Errorf("%w: it is of another journal", ErrCorrupt))
		r.discard()
		return true
	})
}

// insert adds a run to the index.
func (x *Index) insert(r *run) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, _ := slices.BinarySearchFunc(x.runs, r.span.First, func(r *run, first uint64) int { return cmp.Compare(r.span.First, first) })
	x.runs = slices.Insert(x.runs, at, r)
	x.wake()
}

// withoutCovered closes and deletes the runs that a longer one was made of: whoever merged them
// died before they were deleted.
func withoutCovered(runs []*run) (kept []*run) {
	slices.SortFunc(runs, func(a, b *run) int {
		if a.span.First != b.span.First {
			return cmp.Compare(a.span.First, b.span.First)
		}
		return cmp.Compare(b.span.Last, a.span.Last)
	})
	covered := uint64(0)
	for _, r := range runs {
		if r.span.First <= covered || r.span.First > r.span.Last {
			r.discard()
			continue
		}
		covered = r.span.Last
		kept = append(kept, r)
	}
	return kept
}

// discard closes a run and deletes its file: what stays is deleted by a later open.
func (r *run) discard() {
	_ = r.file.Close() // it was read only
	_ = os.Remove(r.file.Name())
}

// close writes what is in memory, and closes the runs.
func (x *Index) close() {
	if err := x.flush(); err != nil {
		x.logger.Info("what was new in the index of orders is made again at the next start", "error", err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range slices.Concat(x.runs, x.unproven) {
		_ = r.file.Close() // it was read only
	}
	x.runs = nil
}
