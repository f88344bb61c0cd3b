package sqldb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsale/audit/export"
	"onsale/audit/follow"
)

// Verdict is what a comparison of a database with a journal found.
type Verdict struct {
	Position    export.Position
	Rows        uint64   // that were compared
	Differences uint64   // rows that differ, are missing, or should not be there
	Examples    []string // the first of them, ExamplesMax at most
}

// ExamplesMax bounds a verdict's examples.
const ExamplesMax = 20

// errReached ends a reading at the position of the database.
var errReached = errors.New("reached the position")

// Verify makes all rows again, up to where the target is written, and compares them. It keeps
// them in memory, about 1 KB an order.
func Verify(ctx context.Context, journal follow.Source, to Target) (*Verdict, error) {
	written, err := to.Written(ctx)
	if err != nil {
		return nil, err
	}
	if written == nil {
		return nil, fmt.Errorf("%w: nothing was exported to it", ErrTarget)
	}
	users := export.UsersNone
	if written.Users == export.UsersClear.String() {
		users = export.UsersClear
	}
	books := export.NewBooks(users)
	err = journal.Read(ctx, func(b *follow.Block) error {
		if err := books.Read(b); err != nil {
			return err
		}
		if b.Height < written.Head.Height {
			return nil
		}
		return errReached
	})
	is := books.Position()
	if err != nil && !errors.Is(err, errReached) {
		return nil, err
	}
	if is.HeadHash() != written.Hash {
		return nil, fmt.Errorf("%w: block %d", ErrOtherHistory, written.Head.Height)
	}
	v := &Verdict{Position: is}
	rows := books.Take()
	for _, t := range export.Tables() {
		if err := v.compare(ctx, t, rows.Of(t), to); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return v, nil
}

// compare holds a table to the rows that it must have.
func (v *Verdict) compare(ctx context.Context, t *export.Table, want []export.Row, to Target) error {
	slices.SortFunc(want, t.Compare)
	at := 0
	err := to.Read(ctx, t, func(got export.Row) error {
		for at < len(want) && t.Compare(want[at], got) < 0 {
			v.differs("%s %v is missing", t.Name, want[at][:t.Key])
			at++
		}
		if at == len(want) || t.Compare(want[at], got) > 0 {
			v.differs("%s %v should not be there", t.Name, got[:t.Key])
			return nil
		}
		for i, column := range t.Columns {
			if !equal(want[at][i], got[i]) {
				v.differs("%s %v: %s is %v, the journal says %v", t.Name, got[:t.Key], column, got[i], want[at][i])
				break
			}
		}
		v.Rows++
		at++
		return nil
	})
	for ; err == nil && at < len(want); at++ {
		v.differs("%s %v is missing", t.Name, want[at][:t.Key])
	}
	return err
}

func (v *Verdict) differs(format string, values ...any) {
	v.Differences++
	if len(v.Examples) < ExamplesMax {
		v.Examples = append(v.Examples, fmt.Sprintf(format, values...))
	}
}

// equal compares a value with what a database has of it: SQLite has texts of times, and numbers
// of booleans.
func equal(want, got any) bool {
	switch w := want.(type) {
	case time.Time:
		g, is := got.(time.Time)
		return is && g.Equal(w) || got == export.Spell(w)
	case export.Day:
		g, is := got.(time.Time)
		return is && g.Format(time.DateOnly) == string(w) || got == string(w)
	case bool:
		return got == w || w && got == int64(1) || !w && got == int64(0)
	}
	return want == got
}
