package backfill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"onsale/wal"
	"onsale/wal/journal"
)

// A node that is restored from several snapshots in a row leaves its journal in many parts:
// a few blocks of its own between the gaps that were filled. Parts that lie next to each
// other are joined then: copied block by block into a filling, checked as a peer's blocks
// are, which becomes one part; after that they are removed.
//
// What if we die here? Before the new part has its name, the filling is thrown away at the
// next round: there is no such gap. Behind that, the old parts hold what the new one holds
// too; readers pass over what they have read, and the next round removes them. A part that
// is removed first loses the name of a part, so that nobody opens half of one.

const (
	// joinPartsMin is how many parts are joined at least: one snapshot leaves two, the
	// journal before it and the gap, and these stay as they are.
	joinPartsMin = 3
	// joinBytesMax bounds what is copied into one part.
	joinBytesMax = 256 << 20
)

// ownPart is who is asked for blocks of the node's own parts.
const ownPart = ""

// join joins the oldest parts that can be, and removes those that another part holds.
func (f *Filler) join(ctx context.Context) error {
	parts, err := journal.Parts(f.history.Dir())
	if err != nil {
		return f.failed("the journal's parts cannot be read", err)
	}
	if parts, err = f.removeCovered(parts); err != nil {
		return f.failed("a part of the journal that another one holds too cannot be removed", err)
	}
	run := joinable(parts)
	if len(run) < joinPartsMin {
		return nil
	}
	span := journal.Span{First: run[0].First, Last: run[len(run)-1].Last}
	gap, err := f.history.Around(span)
	if err == nil {
		err = f.copy(ctx, gap)
	}
	if err != nil {
		return f.failed("parts of the journal could not be joined", err)
	}

	f.counters.joined.Add(uint64(len(run)))
	f.config.Logger.Info("parts of the journal are joined", "heights", span.String(), "parts", len(run))
	_, err = f.removeCovered(append(run, journal.Part{Span: span, Dir: journal.PartDir(f.history.Dir(), span)}))
	return err
}

// copy makes one part of what the node has.
func (f *Filler) copy(ctx context.Context, gap journal.Gap) error {
	w, err := f.begin(gap)
	if err != nil {
		return err
	}
	err = errors.Join(f.from(ctx, ownPart, w, gap), w.log.Close())
	if err == nil {
		err = w.finish(f.history.Dir(), gap.Span)
	}
	if err != nil {
		return errors.Join(err, f.discard(w.dir))
	}
	return nil
}

// joinable returns the first parts next to each other that are small enough together; those
// that are too few stay.
func joinable(parts []journal.Part) []journal.Part {
	for begin := 0; begin < len(parts); begin++ {
		end, bytes := begin, int64(0)
		for ; end < len(parts) && (end == begin || parts[end].First == parts[end-1].Last+1); end++ {
			if bytes += bytesOf(parts[end].Dir); bytes > joinBytesMax {
				break
			}
		}
		if end-begin >= joinPartsMin {
			return parts[begin:end]
		}
	}
	return nil
}

// bytesOf returns the size of a folder; too much when it cannot be read.
func bytesOf(dir string) (bytes int64) {
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		return joinBytesMax + 1
	}
	return bytes
}

// removeCovered removes the parts whose blocks another one has, and returns those that stay.
func (f *Filler) removeCovered(parts []journal.Part) (stay []journal.Part, err error) {
	for _, p := range parts {
		if !covered(p, parts) {
			stay = append(stay, p)
			continue
		}
		f.history.Close() // it may read the part; it opens another one when it is asked again
		aside := fillingDir(f.history.Dir(), p.First)
		if err := f.config.Files.Rename(p.Dir, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		err := f.config.Files.SyncDir(filepath.Dir(aside))
		if err == nil {
			err = wal.RemoveDir(f.config.Files, aside)
		}
		if err != nil {
			return nil, fmt.Errorf("blocks %v: %w", p.Span, err)
		}
	}
	return stay, nil
}

// covered reports whether a longer part has all blocks of a part.
func covered(p journal.Part, parts []journal.Part) bool {
	for _, other := range parts {
		if other.Blocks() > p.Blocks() && other.First <= p.First && other.Last >= p.Last {
			return true
		}
	}
	return false
}
