package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"onsale/audit/follow"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// ErrMoment is returned when the archive does not have the moment that is asked for.
var ErrMoment = errors.New("the archive does not have that moment")

// Moment says as of when a state is wanted. The zero value is the archive's end. A batch is decided
// at one time and as a whole, so it is in a moment as a whole or not at all.
type Moment struct {
	// Time takes the batches that were decided then or before, by the log's time; zero for all.
	Time time.Time
	// Seq takes the batches of which all decisions have this seq or a lower one; 0 for all.
	Seq uint64
}

// has reports whether a batch that ends with a seq and was decided at a time is in the moment.
func (m *Moment) has(seq uint64, now int64) bool {
	return (m.Seq == 0 || seq <= m.Seq) && (m.Time.IsZero() || now <= m.Time.UnixNano())
}

// Rebuilt is a state that was made of an archive.
type Rebuilt struct {
	State *sequencer.State
	Head  journal.Head // of the last block that is in the state
	Term  uint64
	// Snapshot is the key of the snapshot from which it was made, "" for the beginning. Blocks is
	// how many were decided behind it.
	Snapshot string
	Blocks   uint64

	decided sequencer.Decisions
	encoded []byte
}

// ReadState reads the state in a snapshot of an archive, and the head that belongs to it.
type ReadState func(in io.Reader) (journal.Head, *sequencer.State, error)

// StateAt makes the state as of a moment: the newest snapshot that is not behind it, and the blocks behind that
// through the rules. What is decided is compared with what the blocks say, and so is the state.
// ErrMoment, ErrDamaged, what Reader.Read and read return.
func (c *Catalog) StateAt(ctx context.Context, m Moment, read ReadState) (*Rebuilt, error) {
	r, err := c.begin(ctx, m, read)
	if err != nil {
		return nil, err
	}
	if err := r.goOn(ctx, c, m); err != nil {
		return nil, err
	}
	last := c.rows[len(c.rows)-1]
	switch {
	case r.Head.Height == 0:
		return nil, fmt.Errorf("%w: it begins at %s", ErrMoment, c.rows[0].FirstTime.Format(time.RFC3339Nano))
	case m.Seq > last.LastSeq:
		return nil, fmt.Errorf("%w: it ends with seq %d, of %s", ErrMoment, last.LastSeq, last.LastTime.Format(time.RFC3339Nano))
	}
	return r, nil
}

// begin returns the state of the newest snapshot in a moment that can be read, or an empty one. One that is
// damaged is passed over: older ones and the blocks are enough.
func (c *Catalog) begin(ctx context.Context, m Moment, read ReadState) (*Rebuilt, error) {
	if len(c.rows) == 0 {
		return nil, fmt.Errorf("%w: nothing is archived", ErrMoment)
	}
	all, err := c.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		s := &all[i]
		if !s.OnLine || !m.has(s.Seq, s.Time.UnixNano()) {
			continue
		}
		head, state, err := c.readSnapshot(ctx, s, read)
		if err == nil {
			return &Rebuilt{State: state, Head: head, Term: c.termAt(head.Height), Snapshot: s.Key}, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	return &Rebuilt{State: sequencer.New()}, nil
}

func (c *Catalog) readSnapshot(ctx context.Context, s *Snapshot, read ReadState) (journal.Head, *sequencer.State, error) {
	object, err := c.store.Get(ctx, s.Key)
	if err != nil {
		return journal.Head{}, nil, err
	}
	defer object.Close()
	head, state, err := read(object)
	if err == nil && (head.Height != s.Height || state.Seq() != s.Seq || state.Now() != s.Time.UnixNano()) {
		err = fmt.Errorf("%w: %s is of block %d", ErrDamaged, s.Key, head.Height)
	}
	return head, state, err
}

// termAt returns the raft term of the row with a block: no block of it has a higher one.
func (c *Catalog) termAt(height uint64) uint64 {
	l, err := c.line()
	if at := l.at(height); err == nil && at != nil {
		return at.row.Term
	}
	return 0
}

// errMoment ends reading behind a moment.
var errMoment = errors.New("the moment is reached")

// goOn decides the archived blocks behind the state, up to a moment.
func (r *Rebuilt) goOn(ctx context.Context, c *Catalog, m Moment) error {
	err := c.NewReaderAfter(r.Head).Read(ctx, func(b *follow.Block) error {
		if !m.has(b.LastSeq(), b.Decisions.Time) {
			return errMoment
		}
		return r.decide(b)
	})
	if errors.Is(err, errMoment) {
		return nil
	}
	return err
}

// decide decides a block again, and holds what comes out against what it says.
func (r *Rebuilt) decide(b *follow.Block) error {
	r.State.Apply(&b.Batch, &r.decided)
	if r.encoded = sequencer.AppendDecisions(r.encoded[:0], &r.decided); !bytes.Equal(r.encoded, b.Block.Decisions) {
		return fmt.Errorf("%w: block %d (seq %d to %d) says that something else was decided than the rules do", ErrDamaged, b.Height, b.Decisions.FirstSeq, b.LastSeq())
	}
	if hash := r.State.Hash(); hash != b.StateHash {
		return fmt.Errorf("%w: block %d: deciding it again gives state %016x, it says %016x", ErrDamaged, b.Height, hash, b.StateHash)
	}
	r.Head, r.Term = b.Head(), b.Term
	r.Blocks++
	return nil
}
