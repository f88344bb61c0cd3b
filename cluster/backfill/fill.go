package backfill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"onsale/wal/journal"
)

var (
	// errWrong is returned when a peer's blocks are not the chain's.
	errWrong = errors.New("wrong blocks")
	// errMixed is returned when blocks of several peers do not fit together.
	errMixed = errors.New("blocks of several peers do not fit together")
	// errStorage is returned when a filling cannot be written any more.
	errStorage = errors.New("the filling cannot be written")
	// errNobody is returned when there is no peer to ask.
	errNobody = errors.New("there is no member to ask")
	// errDiskFull is returned while the disk has too little room.
	errDiskFull = errors.New("the disk has too little room")
)

// fill fills a gap from the peers, one after the other.
func (f *Filler) fill(ctx context.Context, gap journal.Gap) error {
	w, err := f.begin(gap)
	if err != nil {
		return f.failed("a gap of the journal cannot be filled", err)
	}
	f.once(slog.LevelInfo, "the journal has a gap; it is filled from the other members", "heights", gap.String())
	started := time.Now()
	if w.head.Height == gap.Last && w.head.Hash == gap.End {
		return f.end(w, gap, started, nil) // an earlier start came so far
	}
	err = errNobody
	for _, peer := range f.askable() {
		if err = f.from(ctx, peer, w, gap); errors.Is(err, errMixed) {
			if err = f.anew(w, gap, err); err == nil {
				err = f.from(ctx, peer, w, gap) // all comes from it alone: now it is known whose they are
			}
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, errDiskFull) || errors.Is(err, errStorage) {
			break
		}
		f.judge(peer, err)
		if errors.Is(err, errWrong) && slices.Contains(w.from, peer) {
			if again := f.anew(w, gap, err); again != nil {
				err = again
				break
			}
		}
	}
	return f.end(w, gap, started, err)
}

// anew throws away what a filling has and begins it again. errStorage.
func (f *Filler) anew(w *filling, gap journal.Gap, why error) error {
	f.config.Logger.Warn("what was filled into a gap of the journal is thrown away", "heights", gap.String(), "error", why)
	err := errors.Join(w.log.Close(), f.discard(w.dir))
	if err == nil {
		var fresh *filling
		if fresh, err = f.open(w.dir, gap); err == nil {
			*w = *fresh
			return nil
		}
	}
	return fmt.Errorf("%w: %w", errStorage, err)
}

// judge counts and logs what a peer could not give.
func (f *Filler) judge(peer string, err error) {
	switch {
	case errors.Is(err, errWrong):
		f.counters.wrong.Add(1)
		f.wrong[peer] = time.Now().Add(f.config.Distrust)
		f.config.Logger.Error("a member's journal answers with wrong blocks; others are asked. Run an audit of it", "member", peer, "error", err)
	case errors.Is(err, journal.ErrNotKept):
		f.once(slog.LevelInfo, "a member does not have the journal's missing blocks either", "member", peer)
	default:
		f.counters.failures.Add(1)
		f.once(slog.LevelInfo, "a member could not be asked for the journal's missing blocks", "member", peer, "error", err)
	}
}

// end makes a whole filling a part. What is not whole stays for the next time, unless
// it cannot be written.
func (f *Filler) end(w *filling, gap journal.Gap, started time.Time, err error) error {
	switch {
	case err == nil:
		if err := w.log.Close(); err != nil { // it is not known what is on the disk
			return f.failed("a gap of the journal is not filled now", errors.Join(err, f.discard(w.dir)))
		}
		if err := w.finish(f.history.Dir(), gap.Span); err != nil {
			return f.failed("a gap of the journal is filled, and cannot be kept", err)
		}
		f.counters.gaps.Add(1)
		f.config.Logger.Info("a gap of the journal is filled", "heights", gap.String(), "blocks", gap.Blocks(),
			"from", strings.Trim(strings.Join(w.from, ","), ","), "seconds", time.Since(started).Seconds())
		return nil
	case errors.Is(err, errStorage):
		_ = w.log.Close() // it says again what failed
		return f.failed("a gap of the journal is not filled now", errors.Join(err, f.discard(w.dir)))
	case errors.Is(err, errDiskFull):
		err = f.failed("a gap of the journal is not filled now", err)
	}
	return errors.Join(err, w.log.Close())
}

// askable returns the peers that were not wrong lately.
func (f *Filler) askable() []string {
	return slices.DeleteFunc(f.peers.IDs(), func(id string) bool { return time.Now().Before(f.wrong[id]) })
}
