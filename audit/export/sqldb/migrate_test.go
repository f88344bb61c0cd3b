package sqldb_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"onsale/audit/export"
	"onsale/audit/export/sqldb"
	"onsale/sequencer"
)

// olderTables makes the tables of a release of before, with the position and rows that it would have.
func olderTables(t *testing.T, address string, from *world) {
	t.Helper()
	from.export() // by this release, to another file
	db := openSQL(t, address)
	const first = "00001_tables.sql"
	data, err := os.ReadFile(filepath.Join("migrations", first))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, fstest.MapFS{first: {Data: data}})
	if err == nil {
		_, err = provider.Up(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "ATTACH '"+strings.TrimPrefix(from.address, "sqlite:")+"' AS newer")
	for _, table := range append(export.Tables(), &export.Table{Name: "position", Columns: []string{"one", "cluster", "birth", "height", "hash", "seq", "at", "exporter", "users", "written_at"}}) {
		if table != export.Births {
			columns := strings.Join(table.Columns, ", ")
			exec(t, db, "INSERT INTO "+table.Name+" ("+columns+") SELECT "+columns+" FROM newer."+table.Name)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func openSQL(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(address, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // what is attached is of the connection
	return db
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%v in %.200s", err, statement)
	}
}

// Tables of an older release become this one's with all their rows, and what was exported before goes
// on, also when a restore has cut it meanwhile.
func TestUpgrade(t *testing.T) {
	const seed = 41
	for name, cut := range map[string]bool{"goes on": false, "cut": true} {
		t.Run(name, func(t *testing.T) {
			from := newWorld(t, seed, "sqlite:"+filepath.Join(t.TempDir(), "newer.db"))
			from.grow(400)
			address := "sqlite:" + filepath.Join(t.TempDir(), "older.db")
			olderTables(t, address, from)
			status, err := sqldb.Inspect(t.Context(), address, "")
			if err != nil || status.Migration != 1 || len(status.Pending) != 1 {
				t.Fatalf("%+v, %v", status, err)
			}
			w := from
			w.address = address
			if cut {
				w = restored(from, seed, 300, 2, sequencer.BirthRestore)
				acceptsCut(t, w, 300)
			} else {
				w.export()
			}
			w.exact()
			w.grow(50)
			w.export()
			w.exact()
		})
	}
}

// Tables of a later release are left alone.
func TestNewerTables(t *testing.T) {
	w := newWorld(t, 42, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	w.grow(5)
	w.export()
	db := openSQL(t, w.address)
	exec(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqldb.Open(t.Context(), w.address, ""); !errors.Is(err, sqldb.ErrNewer) || !strings.Contains(err.Error(), "migration 99") {
		t.Errorf("opening: %v", err)
	}
	if _, err := sqldb.Inspect(t.Context(), w.address, ""); !errors.Is(err, sqldb.ErrNewer) {
		t.Errorf("inspecting: %v", err)
	}
}
