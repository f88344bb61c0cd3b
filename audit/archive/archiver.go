package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"onsale/audit/archive/blob"
	"onsale/audit/follow"
	"onsale/internal/failpoint"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// Config says how a journal is archived.
type Config struct {
	// SegmentBytes ends a segment at this many bytes before compression, or at the next block
	// when one is longer. SegmentAge ends it that long after its first block came: what is younger is lost
	// with the nodes.
	SegmentBytes uint64
	SegmentAge   time.Duration
	// Once ends with what is in the journal, instead of waiting for more.
	Once bool
	// ClusterNumber is part of the uids of the cluster's orders; a restore needs it.
	ClusterNumber uint8
	Log           *slog.Logger
}

// The defaults: a segment is read in one piece, and what one minute decided is small.
const (
	SegmentBytesDefault = 32 << 20
	SegmentBytesMax     = 1 << 30
	SegmentAgeDefault   = 30 * time.Second
)

// ErrConfig is returned for a Config that cannot be.
var ErrConfig = errors.New("no such way to archive")

// Validate returns ErrConfig.
func (c *Config) Validate() error {
	switch {
	case c.SegmentBytes < 1 || c.SegmentBytes > SegmentBytesMax:
		return fmt.Errorf("%w: segments of %d bytes, allowed are 1 to %d", ErrConfig, c.SegmentBytes, SegmentBytesMax)
	case c.SegmentAge < 0:
		return fmt.Errorf("%w: segments of %v", ErrConfig, c.SegmentAge)
	}
	return nil
}

// Archiver writes a journal to an archive. Run belongs to one goroutine, Status to all.
type Archiver struct {
	config  Config
	store   blob.Store
	source  follow.Source
	catalog *Catalog
	line    line
	status  status

	building *builder
	begun    time.Time // when the first block of the segment came
	row      Row       // what is known of it so far
}

// New returns an archiver of a source that begins in front of its first block. It asks nothing yet. ErrConfig.
func New(config Config, store blob.Store, source follow.Source) (*Archiver, error) {
	return &Archiver{config: config, store: store, source: source, catalog: &Catalog{store: store}}, config.Validate()
}

// Run archives until ctx ends, or the journal does and Config.Once is set. An error of the store is told in
// the log and tried again, with growing pauses, unless Once is set. It returns ErrOtherHistory,
// ErrSuperseded, ErrGap, ErrDamaged, ErrOverwrites, and the journal's errors; ctx's end is none.
func (a *Archiver) Run(ctx context.Context) error {
	err := a.patiently(ctx, a.open)
	for err == nil {
		err = a.source.Read(ctx, func(b *follow.Block) error { return a.block(ctx, b) })
		for err == nil && a.building != nil && (a.config.Once || time.Since(a.begun) >= a.config.SegmentAge) {
			err = a.flush(ctx) // what lost a race is begun anew
		}
		if err == nil && a.config.Once {
			return nil
		}
		if err == nil {
			err = a.source.Wait(ctx)
		}
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return a.last(context.WithoutCancel(ctx))
	}
	return err
}

// lastPatience is how long an archiver that is told to end tries to put what it has read.
const lastPatience = 10 * time.Second

// last puts what was read before ctx ended: it would be read again, but who stops an archiver may be
// about to stop more.
func (a *Archiver) last(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lastPatience)
	defer cancel()
	for a.building != nil {
		if err := a.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// open reads the archive, or finds that there is none yet.
func (a *Archiver) open(ctx context.Context) error {
	if err := probe(ctx, a.store); err != nil {
		return err
	}
	c, err := Open(ctx, a.store)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	a.catalog = c
	return a.refresh()
}

func (a *Archiver) refresh() (err error) {
	if a.line, err = a.catalog.line(); err == nil {
		a.status.archived(a.line.tip(), len(a.catalog.rows))
	}
	return err
}

// block takes the next block of the journal.
func (a *Archiver) block(ctx context.Context, b *follow.Block) error {
	a.status.saw(b)
	for birth := birthIn(b); birth != nil && a.building != nil && ID(birth.Cluster) != a.row.Birth; {
		if err := a.flush(ctx); err != nil { // a segment is of one birth
			return err
		}
	}
	if a.building == nil {
		after, begins, err := a.place(ctx, b)
		if err != nil || !begins {
			return err
		}
		if err := a.begin(b, after); err != nil {
			return err
		}
	}
	if err := a.add(b); err != nil {
		return err
	}
	if a.building.segment.Bytes >= a.config.SegmentBytes || time.Since(a.begun) >= a.config.SegmentAge && !a.config.Once {
		return a.flush(ctx)
	}
	return nil
}

// place says whether a segment begins with a block, and which row it goes on from; otherwise the
// archive has the block.
func (a *Archiver) place(ctx context.Context, b *follow.Block) (after uint64, begins bool, err error) {
	tip := a.line.tip()
	switch {
	case tip == nil && b.Height > 1:
		return 0, false, fmt.Errorf("%w: the journal begins with block %d, and nothing is archived yet: take another node's, or wait until this one has filled the gap", ErrGap, b.Height)
	case tip == nil:
		return 0, true, nil
	case b.Height > tip.last+1:
		return 0, false, fmt.Errorf("%w: the archive ends with block %d, the journal begins with block %d", ErrGap, tip.last, b.Height)
	case b.Height == tip.last+1:
		if b.Previous != tip.head {
			return 0, false, fmt.Errorf("%w: block %d does not follow the archive's last one", ErrOtherHistory, b.Height)
		}
		return tip.row.Number, true, nil
	}
	birth := birthIn(b)
	after, err = a.line.held(b)
	switch known := a.line.at(b.Height); {
	case err != nil, birth == nil, ID(birth.Cluster) == known.row.Birth:
		return 0, false, err
	}
	return after, true, a.patiently(ctx, func(ctx context.Context) error { return a.catalog.cut(ctx, after, b) })
}

// begin begins a segment.
func (a *Archiver) begin(b *follow.Block, after uint64) error {
	a.row = Row{After: after, First: b.Height, Follows: Sum(b.Previous), FirstTime: clock(b.Decisions.Time)}
	if after > 0 {
		a.row.Birth = a.catalog.rows[after-1].Birth
	}
	if birth := birthIn(b); birth != nil && ID(birth.Cluster) != a.row.Birth {
		if birth.Cause == sequencer.BirthCopy && after > 0 {
			return fmt.Errorf("%w: block %d makes cluster %s, which is a copy: give it an archive of its own", ErrOtherHistory, b.Height, birth.Cluster)
		}
		a.row.Birth, a.row.Cause = ID(birth.Cluster), birth.Cause.String()
	}
	var err error
	a.begun = time.Now()
	a.status.begun(a.begun)
	a.building, err = newBuilder(sequencer.ClusterID(a.row.Birth), b.Previous)
	return err
}

func (a *Archiver) add(b *follow.Block) error {
	a.row.Last, a.row.Head, a.row.RaftIndex, a.row.Term = b.Height, Sum(b.Hash), b.RaftIndex, b.Term
	a.row.LastSeq, a.row.LastTime = b.LastSeq(), clock(b.Decisions.Time)
	return a.building.add(b.Block)
}

func clock(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds).UTC() }

// flush puts the segment and its row. When another archiver has put a row meanwhile, what it has
// of the blocks is compared, and the rest makes a segment anew.
func (a *Archiver) flush(ctx context.Context) error {
	data, err := a.building.finish()
	if err != nil {
		return err
	}
	segment := a.building.segment
	err = a.patiently(ctx, func(ctx context.Context) error { return a.put(ctx, &segment, data) })
	a.building = nil
	if err == nil {
		return a.refresh()
	}
	if !errors.Is(err, errRaced) {
		return err
	}
	a.config.Log.Info("another archiver was first; going on behind it", "row", a.row.Number)
	if err := a.patiently(ctx, a.catalog.Refresh); err != nil {
		return err
	}
	if err := a.refresh(); err != nil {
		return err
	}
	var again follow.Block
	return readSegment(data, func(b *journal.Block) error {
		if err := again.Decode(b); err != nil {
			return err
		}
		return a.block(ctx, &again)
	})
}

// segmentTries is how many names a segment may have: more than one are needed only where a
// store has kept damaged bytes under the first.
const segmentTries = 8

// put puts the segment, then its row.
func (a *Archiver) put(ctx context.Context, s *Segment, data []byte) error {
	started := time.Now()
	if len(a.catalog.rows) == 0 {
		if err := a.catalog.found(ctx, About{Version: manifestVersion, Cluster: a.row.Birth, Number: a.config.ClusterNumber}); err != nil {
			return err
		}
	}
	failpoint.Hit(failpoint.ArchiveSegmentBefore)
	key, data, err := a.putSegment(ctx, s, data)
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.ArchiveSegmentAfter)
	a.row.Number = uint64(len(a.catalog.rows)) + 1
	a.row.Key, a.row.Bytes, a.row.SHA256 = key, int64(len(data)), sumOf(data)
	if err := a.catalog.add(ctx, &a.row); err != nil {
		return err
	}
	failpoint.Hit(failpoint.ArchiveRowAfter)
	a.status.put(len(data), time.Since(started))
	a.config.Log.Info("archived", "first", a.row.First, "last", a.row.Last, "bytes", a.row.Bytes, "seq", a.row.LastSeq)
	return nil
}

// putSegment puts the segment under a name that is free, or finds it there: with the same blocks, maybe
// compressed by another release. It returns the object's bytes.
func (a *Archiver) putSegment(ctx context.Context, s *Segment, data []byte) (string, []byte, error) {
	for try := range segmentTries {
		key := segmentKey(s, try)
		err := putChecked(ctx, a.store, key, data)
		if err == nil {
			return key, data, nil
		}
		if !errors.Is(err, blob.ErrExists) {
			return "", nil, err
		}
		there, err := read(ctx, a.store, key, 2*int64(len(data)))
		if err != nil {
			return "", nil, err
		}
		if other, err := parseHeader(there); err == nil && other == *s && readSegment(there, func(*journal.Block) error { return nil }) == nil {
			return key, there, nil
		}
		a.config.Log.Error("the archive has a damaged object, which is left alone and never used", "object", key)
	}
	return "", nil, fmt.Errorf("%w: %d damaged objects under the name %s", ErrDamaged, segmentTries, segmentKey(s, 0))
}
