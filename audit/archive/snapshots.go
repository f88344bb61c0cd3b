package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"onsale/audit/archive/blob"
	"onsale/internal/failpoint"
)

// Snapshot is a state in the archive, as of the end of a block. It saves a restore the blocks
// in front of it.
type Snapshot struct {
	Key    string    `json:"key"`
	Birth  ID        `json:"birth"`
	Height uint64    `json:"height"`
	Seq    uint64    `json:"seq"`
	Time   time.Time `json:"time"` // of the log
	// OnLine says that its block is on the archive's line, and was not cut off.
	OnLine bool `json:"on_line"`
}

func snapshotKey(birth ID, height, seq uint64, now int64) string {
	return fmt.Sprintf("%s%s/%012d-%d-%d%s", snapshotPrefix, birth, height, seq, now, backupSuffix)
}

// parseSnapshot reads a key; false for what is no snapshot's.
func parseSnapshot(key string) (s Snapshot, ok bool) {
	text, named := strings.CutSuffix(strings.TrimPrefix(key, snapshotPrefix), backupSuffix)
	birth, numbers, _ := strings.Cut(text, "/")
	parts := strings.Split(numbers, "-")
	if !named || len(parts) != 3 || s.Birth.UnmarshalText([]byte(birth)) != nil {
		return s, false
	}
	var errs [3]error
	var now int64
	s.Height, errs[0] = strconv.ParseUint(parts[0], 10, 64)
	s.Seq, errs[1] = strconv.ParseUint(parts[1], 10, 64)
	now, errs[2] = strconv.ParseInt(parts[2], 10, 64)
	s.Key, s.Time = key, clock(now)
	return s, errors.Join(errs[:]...) == nil && snapshotKey(s.Birth, s.Height, s.Seq, now) == key
}

// Snapshots returns the snapshots in the archive, by height.
func (c *Catalog) Snapshots(ctx context.Context) (all []Snapshot, err error) {
	keys, err := c.store.List(ctx, snapshotPrefix, "")
	if err != nil {
		return nil, err
	}
	l, err := c.line()
	for _, key := range keys {
		if s, ok := parseSnapshot(key); ok {
			at := l.at(s.Height)
			s.OnLine = at != nil && at.row.Birth == s.Birth
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Snapshot) int { return a.Time.Compare(b.Time) })
	return all, err
}

// WriteState writes a state to a snapshot of an archive, as ReadState reads it.
type WriteState func(w io.Writer, about About, r *Rebuilt) error

// SnapshotConfig says when snapshots are put, and how many stay.
type SnapshotConfig struct {
	// Every is how much of the log's time lies between two. It bounds what a restore decides again.
	Every time.Duration
	// Keep is how many stay, the newest; 0 keeps all. Segments are never removed.
	Keep  int
	Read  ReadState
	Write WriteState
	Log   *slog.Logger
}

// Snapshotter puts snapshots into an archive. They are made of what the archive has, not of a node's
// state: each shows that the archive can be restored up to it, and no node works for it. It belongs
// to one goroutine. Its memory is the state, and once more while one is put.
type Snapshotter struct {
	config  SnapshotConfig
	store   blob.Store
	catalog *Catalog
	rebuilt *Rebuilt

	put, failures atomic.Uint64
}

// Run puts snapshots when they are due, until ctx ends. What fails is told in the log and tried again.
func (s *Snapshotter) Run(ctx context.Context) {
	for {
		if _, err := s.Due(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrNone) {
			s.failures.Add(1)
			s.config.Log.Error("no snapshot was archived; trying again", "error", err, "pause", snapshotPause)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(snapshotPause):
		}
	}
}

// snapshotPause is how often it is looked whether a snapshot is due.
const snapshotPause = 10 * time.Second

// NewSnapshotter returns a snapshotter; it asks nothing yet.
func NewSnapshotter(config SnapshotConfig, store blob.Store) *Snapshotter {
	return &Snapshotter{config: config, store: store}
}

// Due puts a snapshot when the newest is older than Every by the log's time, and removes those
// that are too many. It returns its key, "" when none was due. It returns what StateAt and the store return.
//
// What if we die here? A snapshot is put once and whole, under a name that says of which block it
// is; the next one counts from what is there. Old ones are removed when a new one was read back.
func (s *Snapshotter) Due(ctx context.Context) (key string, err error) {
	if s.catalog == nil {
		if s.catalog, err = Open(ctx, s.store); err != nil {
			s.catalog = nil
			return "", err
		}
	} else if err := s.catalog.Refresh(ctx); err != nil {
		return "", err
	}
	all, err := s.catalog.Snapshots(ctx)
	if err != nil || len(s.catalog.rows) == 0 {
		return "", err
	}
	if newest := newestOnLine(all); newest != nil && s.catalog.rows[len(s.catalog.rows)-1].LastTime.Sub(newest.Time) < s.config.Every {
		return "", nil
	}
	if err := s.rebuild(ctx); err != nil {
		return "", err
	}
	key, err = s.putState(ctx)
	if err == nil {
		failpoint.Hit(failpoint.ArchiveSnapshotAfter)
		err = s.tidy(ctx)
	}
	return key, err
}

func newestOnLine(all []Snapshot) *Snapshot {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].OnLine {
			return &all[i]
		}
	}
	return nil
}

// rebuild brings the state to the archive's end; after a cut it is made anew.
func (s *Snapshotter) rebuild(ctx context.Context) (err error) {
	if s.rebuilt != nil {
		if err = s.rebuilt.goOn(ctx, s.catalog, Moment{}); err == nil {
			return nil
		}
		s.rebuilt = nil
		if !errors.Is(err, ErrOtherHistory) {
			return err
		}
	}
	s.rebuilt, err = s.catalog.StateAt(ctx, Moment{}, s.config.Read)
	return err
}

// putState puts the state, and reads it back.
func (s *Snapshotter) putState(ctx context.Context) (string, error) {
	r := s.rebuilt
	key := snapshotKey(s.catalog.rows[len(s.catalog.rows)-1].Birth, r.Head.Height, r.State.Seq(), r.State.Now())
	var data bytes.Buffer
	if err := s.config.Write(&data, s.catalog.about, r); err != nil {
		return "", err
	}
	err := s.store.PutOnce(ctx, key, bytes.NewReader(data.Bytes()), int64(data.Len()))
	if err != nil && !errors.Is(err, blob.ErrExists) { // another one may have put it, or the answer was lost
		return "", err
	}
	is, _ := parseSnapshot(key)
	_, state, err := s.catalog.readSnapshot(ctx, &is, s.config.Read)
	if err == nil && state.Hash() != r.State.Hash() {
		err = fmt.Errorf("%w: %s has another state", ErrDamaged, key)
	}
	if err == nil {
		s.put.Add(1)
		s.config.Log.Info("snapshot archived", "height", r.Head.Height, "seq", r.State.Seq(), "bytes", data.Len())
	}
	return key, err
}

// tidy removes the oldest snapshots that are too many.
func (s *Snapshotter) tidy(ctx context.Context) error {
	all, err := s.catalog.Snapshots(ctx)
	for i := 0; err == nil && s.config.Keep > 0 && i < len(all)-s.config.Keep; i++ {
		err = s.store.Remove(ctx, all[i].Key)
	}
	return err
}
