package sqldb_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"onsale/audit/export"
	"onsale/audit/export/exporttest"
	"onsale/audit/export/sqldb"
	"onsale/audit/follow"
	"onsale/internal/pseudonym"
	"onsale/proof/testenv"
	"onsale/proof/testenv/postgres"
	"onsale/wal/journal"
)

var seedFlag = flag.Uint64("seed", 0, "of the stories; 0 is another one each time")

// world is a journal that grows, and a database.
type world struct {
	t       *testing.T
	teller  *exporttest.Teller
	dir     string
	journal *journal.Journal
	address string

	users export.Users
	keys  *pseudonym.Keys // of users
}

func newWorld(t *testing.T, seed uint64, address string) *world {
	w := &world{t: t, teller: exporttest.NewTeller(seed), dir: filepath.Join(t.TempDir(), "journal"), address: address, users: export.UsersClear}
	w.journal = exporttest.Journal(t, w.dir)
	return w
}

func (w *world) grow(blocks int) {
	w.t.Helper()
	w.teller.Grow(w.t, w.journal, blocks)
}

func (w *world) open() sqldb.Target {
	w.t.Helper()
	to, err := sqldb.Open(w.t.Context(), w.address, "onsale")
	if err != nil {
		w.t.Fatal(err)
	}
	return to
}

func (w *world) close(to sqldb.Target) {
	w.t.Helper()
	if err := to.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// export exports what is there, as a process of its own does.
func (w *world) export() {
	w.t.Helper()
	to := w.open()
	defer w.close(to)
	if err := sqldb.Run(w.t.Context(), follow.NewFolder(w.dir), to, sqldb.Options{Users: w.users, Once: true}); err != nil {
		w.t.Fatal(err)
	}
}

// exact holds the database to the journal, to the state that the teller has, and its money to
// what was said to be captured.
func (w *world) exact() {
	w.t.Helper()
	to := w.open()
	defer w.close(to)
	v, err := sqldb.Verify(w.t.Context(), follow.NewFolder(w.dir), to, w.keys)
	if err != nil || v.Differences > 0 || v.Rows == 0 && v.Position.Head.Height > 1 { // the first block is a birth
		w.t.Fatalf("%+v, %v", v, err)
	}
	held, captured, bySale, byDay := map[string]int64{}, int64(0), map[string]int64{}, map[string]int64{}
	w.read(to, export.Orders, func(row map[string]any) {
		if state := row["state"].(string); state == "reserved" || state == "paying" || state == "paid" {
			held[row["sale"].(string)] += row["quantity"].(int64)
		}
	})
	w.read(to, export.Movements, func(row map[string]any) {
		if row["kind"] == "captured" {
			captured += row["amount"].(int64)
			bySale[row["sale"].(string)] += row["amount"].(int64)
		}
	})
	days := &export.Table{Name: "revenue_by_day", Columns: []string{"sale", "captured"}}
	w.read(to, days, func(row map[string]any) { byDay[row["sale"].(string)] += row["captured"].(int64) })
	delete(bySale, "sale-3") // a test
	if maps.DeleteFunc(byDay, func(_ string, amount int64) bool { return amount == 0 }); !maps.Equal(byDay, bySale) {
		w.t.Errorf("days have %v captured, the ledger %v", byDay, bySale)
	}
	if captured != w.teller.Captured {
		w.t.Errorf("the ledger has %d captured, the decisions %d", captured, w.teller.Captured)
	}
	for number := uint16(1); number <= 3; number++ {
		if sale, _ := w.teller.State.Sale(number); held[sale.ID] != int64(sale.Held+sale.Sold) {
			w.t.Errorf("%s: rows hold %d tickets, the sale says %d", sale.ID, held[sale.ID], sale.Held+sale.Sold)
		}
	}
	wrong := &export.Table{Name: "reconciliation", Columns: []string{"uid", "state"}}
	w.read(to, wrong, func(row map[string]any) { w.t.Errorf("reconciliation: %v", row) })
}

func (w *world) read(to sqldb.Target, t *export.Table, fn func(map[string]any)) {
	w.t.Helper()
	err := to.Read(w.t.Context(), t, func(row export.Row) error {
		named := map[string]any{}
		for i, column := range t.Columns {
			named[column] = row[i]
		}
		fn(named)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// targets are where stories are exported to.
func targets(t *testing.T) map[string]string {
	all := map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "fin ance.db")}
	if !testing.Short() {
		all["postgres"] = postgres.ForTest(t)
	}
	return all
}

// What is exported in steps, each by another process, is what the journal says.
func TestStories(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	for name, address := range targets(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, seed, address)
			for _, blocks := range []int{1, 0, 40, 300, 900} {
				w.grow(blocks)
				w.export()
				w.exact()
			}
			if w.teller.Captured == 0 {
				t.Error("nobody paid in this story")
			}
		})
	}
}

// An export that is ended anywhere goes on without a row too many or too few.
func TestEndedAnywhere(t *testing.T) {
	testenv.TakesLong(t, "exports hundreds of times")
	for name, address := range targets(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 11, address)
			for step := range 60 {
				w.grow(10)
				ctx, cancel := context.WithCancel(t.Context())
				to := w.open()
				err := sqldb.Run(ctx, follow.NewFolder(w.dir), &dying{Target: to, cancel: cancel, at: step % 3}, sqldb.Options{Users: export.UsersClear, Once: true})
				if err != nil && !errors.Is(err, errDied) && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				cancel()
				w.close(to)
			}
			w.export()
			w.exact()
		})
	}
}

var errDied = errors.New("died")

// dying is a target whose exporter dies: before a transaction, in it, or when the answer to its
// commit is lost.
type dying struct {
	sqldb.Target
	cancel func()
	at     int
}

func (d *dying) Write(ctx context.Context, c *sqldb.Change) error {
	switch d.at {
	case 0:
		return errDied
	case 1:
		d.cancel()
	}
	return errors.Join(d.Target.Write(ctx, c), errDied)
}

// Rows of another history stay as they are, and nothing is added to them.
func TestOtherHistory(t *testing.T) {
	for name, address := range targets(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, address)
			w.grow(50)
			w.export()
			other := newWorld(t, 4, address)
			for _, blocks := range []int{20, 60} { // shorter than what was exported, and longer
				other.grow(blocks)
				to := w.open()
				err := sqldb.Run(t.Context(), follow.NewFolder(other.dir), to, sqldb.Options{Users: export.UsersClear, Once: true})
				if !errors.Is(err, sqldb.ErrOtherHistory) {
					t.Errorf("after %d blocks: %v", blocks, err)
				}
				if err := sqldb.Run(t.Context(), follow.NewFolder(w.dir), to, sqldb.Options{Once: true}); !errors.Is(err, export.ErrUsers) {
					t.Errorf("without users: %v", err)
				}
				w.close(to)
			}
			w.exact()
		})
	}
}

// One exporter writes at a time; a second is told who the first is, and one that lost its lock
// writes nothing.
func TestOneExporter(t *testing.T) {
	for name, address := range targets(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 5, address)
			w.grow(20)
			to := w.open()
			if _, err := sqldb.Open(t.Context(), address, "onsale"); !errors.Is(err, export.ErrOtherExporter) || !strings.Contains(err.Error(), export.Self()) {
				t.Errorf("a second one: %v", err)
			}
			books := export.NewBooks(export.UsersClear)
			var first, second *export.Rows
			err := follow.NewFolder(w.dir).Read(t.Context(), func(b *follow.Block) error {
				err := books.Read(b)
				if b.Height == 10 {
					first = books.Take()
				}
				return err
			})
			second = books.Take()
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				before uint64
				rows   *export.Rows
				want   error
			}{{0, first, nil}, {9, second, export.ErrOtherExporter}, {10, second, nil}, {10, second, export.ErrOtherExporter}} {
				if err := to.Write(t.Context(), &sqldb.Change{Before: step.before, Rows: step.rows, Exporter: "me", Users: "clear"}); !errors.Is(err, step.want) {
					t.Errorf("from block %d: %v, want %v", step.before, err, step.want)
				}
			}
			w.close(to)
			w.exact()
		})
	}
}

// Verifying finds a row that was changed, one that is missing and one that is invented.
func TestVerifyFinds(t *testing.T) {
	w := newWorld(t, 6, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	w.grow(200)
	w.export()
	for name, statement := range map[string]string{
		"changed":  "UPDATE orders SET quantity = quantity + 1 WHERE seq = (SELECT max(seq) FROM orders)",
		"missing":  "DELETE FROM movements WHERE height = (SELECT min(height) FROM movements)",
		"invented": "INSERT INTO sale_changes VALUES (999999, 'sale-1', 'sale_pause', NULL, 0, '2026-01-01', 0)",
	} {
		damage(t, strings.TrimPrefix(w.address, "sqlite:"), statement)
		to := w.open()
		v, err := sqldb.Verify(t.Context(), follow.NewFolder(w.dir), to, w.keys)
		if err != nil || v.Differences == 0 || len(v.Examples) == 0 {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		w.close(to)
	}
}

func TestBadTargets(t *testing.T) {
	for _, address := range []string{"", "sqlite:", "mysql://x", "postgres://%zz", "finance.db"} {
		if _, err := sqldb.Open(t.Context(), address, "onsale"); !errors.Is(err, sqldb.ErrTarget) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
