package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"onsale/audit/export"
	"onsale/audit/export/sqldb"
	"onsale/audit/follow"
	"onsale/sequencer"
)

// restored is a world in which the story of a seed went on otherwise behind a block.
func restored(w *world, seed uint64, cut int, id byte, cause sequencer.BirthCause) *world {
	r := newWorld(w.t, seed, w.address)
	r.grow(cut)
	birth := r.teller.Restore(cause, id, w.teller.Now())
	if err := r.journal.Put(&birth); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) run(to sqldb.Target, accept bool) error {
	return sqldb.Run(w.t.Context(), follow.NewFolder(w.dir), to, sqldb.Options{Users: export.UsersClear, Once: true, AcceptCut: accept})
}

// finals are the rows of revenue_by_day whose day is closed.
func (w *world) finals() map[string]string {
	w.t.Helper()
	to := w.open()
	defer w.close(to)
	days := &export.Table{Name: "revenue_by_day", Columns: []string{"sale", "day", "captured", "returned", "net", "final"}}
	rows := map[string]string{}
	w.read(to, days, func(row map[string]any) {
		if row["final"] == true || row["final"] == int64(1) {
			rows[fmt.Sprint(row["sale"], row["day"])] = fmt.Sprint(row["captured"], row["returned"], row["net"])
		}
	})
	return rows
}

// What a restore cut stays as lost, its money is taken back on the day of the cut, and days that were
// final stay as they were; wherever the exporter is ended on the way. It may happen again.
func TestAcceptCut(t *testing.T) {
	for name, address := range targets(t) {
		t.Run(name, func(t *testing.T) {
			const seed = 23
			w := newWorld(t, seed, address)
			w.grow(700)
			w.export()
			for i, c := range []struct{ cut, more int }{{600, 40}, {500, 400}} {
				final := w.finals()
				if len(final) == 0 {
					t.Fatal("no day was final")
				}
				next := restored(w, seed, c.cut, byte(i+2), sequencer.BirthRestore)
				next.grow(c.more)
				acceptsCut(t, next, c.cut)
				next.exact()
				after := next.finals()
				maps.DeleteFunc(after, func(key, _ string) bool { _, before := final[key]; return !before })
				if !maps.Equal(after, final) {
					t.Errorf("days that were final have changed: %v, before %v", after, final)
				}
				next.grow(50)
				next.export()
				next.exact()
				w = next
			}
		})
	}
}

// acceptsCut exports to a target that has rows beyond a cut, by exporters that die at every step.
func acceptsCut(t *testing.T, w *world, cut int) {
	t.Helper()
	to := w.open()
	defer func() { w.close(to) }() // the last of them
	if err := w.run(to, false); !errors.Is(err, sqldb.ErrOtherHistory) || !strings.Contains(err.Error(), fmt.Sprintf("behind block %d (", cut)) {
		t.Errorf("without the flag: %v", err)
	}
	for at := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		err := sqldb.Run(ctx, follow.NewFolder(w.dir), &dying{Target: to, cancel: cancel, at: at}, sqldb.Options{Users: export.UsersClear, Once: true, AcceptCut: true})
		if err != nil && !errors.Is(err, errDied) && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
		w.close(to)
		to = w.open()
	}
	lost := map[string]any{}
	w.read(to, &export.Table{Name: "cuts", Columns: []string{"number", "height", "rows_lost"}}, func(row map[string]any) { lost = row })
	if lost["height"] != int64(cut) || lost["rows_lost"].(int64) == 0 {
		t.Errorf("the newest cut is %v", lost)
	}
	for _, accept := range []bool{true, false, true} {
		if err := w.run(to, accept); err != nil {
			t.Fatal(err)
		}
	}
}

// A cut is accepted of the same cluster's restore alone.
func TestNoCut(t *testing.T) {
	w := newWorld(t, 31, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	w.grow(100)
	w.export()
	stranger := restored(w, 32, 50, 9, sequencer.BirthRestore)
	stranger.grow(100)
	shorter := newWorld(t, 31, w.address)
	shorter.grow(60)
	to := w.open()
	for name, other := range map[string]*world{"copy": restored(w, 31, 60, 9, sequencer.BirthCopy), "stranger": stranger, "shorter": shorter} {
		if err := other.run(to, true); !errors.Is(err, sqldb.ErrOtherHistory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.close(to)
	w.exact()
}
