package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pressly/goose/v3"
)

// ErrNewer is returned for tables that a later release has made.
var ErrNewer = errors.New("the tables are of a later release of onsale")

//go:embed migrations
var migrations embed.FS

// Migration is a step to the tables that this release writes.
type Migration struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
}

// Migrate brings a target's tables up to date, unless it is dry, and returns what that takes. ErrTarget,
// ErrNewer, export.ErrOtherExporter.
func Migrate(ctx context.Context, address, schema string, dry bool) ([]Migration, error) {
	before, err := Inspect(ctx, address, schema)
	if errors.Is(err, fs.ErrNotExist) {
		before, err = &Status{}, nil
		before.Pending = all()
	}
	if err != nil {
		return nil, err
	}
	if dry {
		return before.Pending, nil
	}
	to, err := Open(ctx, address, schema)
	if err != nil {
		return nil, err
	}
	return before.Pending, to.Close()
}

func migrationFiles() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// migrate brings tables up to date.
func migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB) error {
	p, err := goose.NewProvider(dialect, db, migrationFiles(), goose.WithVerbose(false)) // it would write to the standard output
	if err != nil {
		return err
	}
	version, err := versionOf(ctx, dialect, db)
	if err != nil {
		return err
	}
	if _, err := pending(version); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("making tables: %w", err)
	}
	return nil
}

// all are the migrations of this release, in order.
func all() (steps []Migration) {
	files, err := fs.ReadDir(migrationFiles(), ".")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			panic(err)
		}
		steps = append(steps, Migration{version, file.Name()})
	}
	return steps
}

// pending are those that are still to be done from a version on. ErrNewer.
func pending(version int64) ([]Migration, error) {
	steps := all()
	newest := steps[len(steps)-1].Version
	if version > newest {
		return nil, fmt.Errorf("%w: they are at migration %d, this release knows %d", ErrNewer, version, newest)
	}
	return slices.DeleteFunc(steps, func(m Migration) bool { return m.Version <= version }), nil
}

// versionOf returns the migration that tables are at, 0 without any. It writes nothing.
func versionOf(ctx context.Context, dialect goose.Dialect, db *sql.DB) (version int64, err error) {
	table := "SELECT to_regclass('goose_db_version') IS NOT NULL"
	if dialect == goose.DialectSQLite3 {
		table = "SELECT count(*) > 0 FROM sqlite_master WHERE name = 'goose_db_version'"
	}
	var there bool
	if err := db.QueryRowContext(ctx, table).Scan(&there); err != nil || !there {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version)
	return version, err
}
