package sqldb

import (
	"context"
	"errors"
	"fmt"

	"onsale/audit/export"
	"onsale/audit/follow"
	"onsale/internal/pseudonym"
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
// them in memory, about 1 KB an order. Rows with pseudonyms need their key: export.ErrUsers.
func Verify(ctx context.Context, journal follow.Source, to Target, keys *pseudonym.Keys) (*Verdict, error) {
	written, err := to.Written(ctx)
	if err != nil {
		return nil, err
	}
	if written == nil {
		return nil, fmt.Errorf("%w: nothing was exported to it", ErrTarget)
	}
	users, err := export.ParseUsers(written.Users, keys)
	if err != nil {
		return nil, err
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
	err = to.Read(ctx, reconciliation, func(row export.Row) error {
		v.differs("%s: %v", reconciliation.Name, row)
		return nil
	})
	return v, err
}

// reconciliation is the view in which nothing may be; it also tells of lost money that was not taken back.
var reconciliation = &export.Table{Name: "reconciliation", Columns: []string{"uid", "sale", "state", "captured", "returned"}}

// compare holds a table to the rows that it must have.
func (v *Verdict) compare(ctx context.Context, t *export.Table, want []export.Row, to Target) error {
	same, err := differences(ctx, t, want, to, func(got, want export.Row, column int) {
		switch {
		case got == nil:
			v.differs("%s %v is missing", t.Name, want[:t.Key])
		case want == nil:
			v.differs("%s %v should not be there", t.Name, got[:t.Key])
		default:
			v.Rows++
			v.differs("%s %v: %s is %v, the journal says %v", t.Name, got[:t.Key], t.Columns[column], got[column], want[column])
		}
	})
	v.Rows += same
	return err
}

func (v *Verdict) differs(format string, values ...any) {
	v.Differences++
	if len(v.Examples) < ExamplesMax {
		v.Examples = append(v.Examples, fmt.Sprintf(format, values...))
	}
}
