package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"onsale/audit/export"
)

// Status tells where a target is.
type Status struct {
	Migration int64       // of its tables, 0 for none
	Pending   []Migration // until they are this release's
	Written   *Written    // nil for not at all
	WrittenAt time.Time
	Rows      map[string]uint64 // by table, with those that are lost; none while there are migrations to do
}

// Inspect tells where a target is. It changes nothing there, and needs no lock. ErrTarget,
// ErrNewer, and fs.ErrNotExist for a file that there is not.
func Inspect(ctx context.Context, address, schema string) (_ *Status, err error) {
	db, dialect, err := openToRead(address, schema)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s := &Status{Rows: map[string]uint64{}}
	if s.Migration, err = versionOf(ctx, dialect, db); err != nil {
		return nil, err
	}
	if s.Pending, err = pending(s.Migration); err != nil || s.Migration == 0 {
		return s, err
	}
	return s, s.read(ctx, db)
}

// openToRead opens a target without making anything.
func openToRead(address, schema string) (*sql.DB, goose.Dialect, error) {
	scheme, rest, err := split(address)
	if err != nil {
		return nil, "", err
	}
	if scheme == schemeSQLite {
		if _, err := os.Stat(rest); err != nil { // the driver's error does not say so
			return nil, "", err
		}
		db, err := sql.Open("sqlite", sqliteName(rest, "&mode=ro"))
		return db, goose.DialectSQLite3, err
	}
	config, err := postgresConfig(address, schema)
	if err != nil {
		return nil, "", err
	}
	config.RuntimeParams["default_transaction_read_only"] = "on"
	return stdlib.OpenDB(*config), goose.DialectPostgres, nil
}

func (s *Status) read(ctx context.Context, db *sql.DB) error {
	var w Written
	var at, written any
	err := db.QueryRowContext(ctx, "SELECT cluster, birth, height, hash, seq, at, exporter, users, written_at FROM position").
		Scan(&w.Cluster, &w.Birth, &w.Head.Height, &w.Hash, &w.Seq, &at, &w.Exporter, &w.Users, &written)
	switch {
	case err == nil:
		s.Written = &w
		w.At, err = timeOf(at)
		if err == nil {
			s.WrittenAt, err = timeOf(written)
		}
	case errors.Is(err, sql.ErrNoRows):
		err = nil
	}
	if err != nil {
		return err
	}
	if len(s.Pending) > 0 { // there are not all tables
		return nil
	}
	for _, t := range export.Tables() {
		var count uint64
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+t.Name).Scan(&count); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		s.Rows[t.Name] = count
	}
	return nil
}

// timeOf reads a time as either database has it.
func timeOf(v any) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v.UTC(), nil
	case string:
		return time.Parse(time.RFC3339Nano, v)
	}
	return time.Time{}, fmt.Errorf("%T is no time", v)
}
