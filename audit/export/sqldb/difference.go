package sqldb

import (
	"context"
	"slices"
	"time"

	"onsale/audit/export"
)

// difference is told how a table differs from the rows that it should have: of a row that is there,
// of one that should be, or of both, which then have the same key and differ in a column.
type difference func(got, want export.Row, column int)

// differences compares a table, without rows that are lost, with those that it should have, and returns
// how many were there and right.
func differences(ctx context.Context, t *export.Table, want []export.Row, to Target, fn difference) (same uint64, err error) {
	slices.SortFunc(want, t.Compare)
	at := 0
	err = to.Read(ctx, t, func(got export.Row) error {
		for at < len(want) && t.Compare(want[at], got) < 0 {
			fn(nil, want[at], 0)
			at++
		}
		if at == len(want) || t.Compare(want[at], got) > 0 {
			fn(got, nil, 0)
			return nil
		}
		if column := slices.IndexFunc(t.Columns, func(name string) bool { i := slices.Index(t.Columns, name); return !equal(want[at][i], got[i]) }); column >= 0 {
			fn(got, want[at], column)
		} else {
			same++
		}
		at++
		return nil
	})
	for ; err == nil && at < len(want); at++ {
		fn(nil, want[at], 0)
	}
	return same, err
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
