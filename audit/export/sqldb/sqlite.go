package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver

	"onsale/audit/export"
)

// sqlite is a file. Times are text there, RFC 3339 with microseconds, and days as 2026-11-30.
type sqlite struct {
	db   *sql.DB
	lock *os.File
}

// openSQLite opens a file, which is made for its owner alone when it is missing.
func openSQLite(ctx context.Context, path string) (_ Target, err error) {
	s := &sqlite{}
	if s.lock, err = export.Lock(path + ".lock"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	if s.db, err = sql.Open("sqlite", sqliteName(path, "&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	if err := migrate(ctx, goose.DialectSQLite3, s.db); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// sqliteName is how the driver is told a file, with options.
func sqliteName(path, options string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)" + options
}

func (s *sqlite) Close() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

func (s *sqlite) Written(ctx context.Context) (*Written, error) {
	var w Written
	var at string
	err := s.db.QueryRowContext(ctx, selectPosition).Scan(&w.Cluster, &w.Birth, &w.Head.Height, &w.Hash, &w.Seq, &at, &w.Exporter, &w.Users)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		w.At, err = time.Parse(time.RFC3339Nano, at)
	}
	return &w, err
}

func (s *sqlite) Write(ctx context.Context, before uint64, rows *export.Rows, exporter, users string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := s.move(ctx, tx, before, rows, exporter, users); err != nil {
		return err
	}
	for _, t := range export.Tables() {
		if err := insertAll(ctx, tx, t, rows.Of(t)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return tx.Commit()
}

func (s *sqlite) move(ctx context.Context, tx *sql.Tx, before uint64, rows *export.Rows, exporter, users string) error {
	statement, values := updatePosition, append(positionValues(rows, exporter, users, export.Spell), int64(before))
	if before == 0 {
		statement, values = insertPosition, values[:len(values)-1]
	}
	done, err := tx.ExecContext(ctx, statement, values...)
	if err != nil {
		return err
	}
	if moved, err := done.RowsAffected(); err != nil || moved != 1 {
		return errors.Join(err, fmt.Errorf("%w: the position is not at block %d any more", export.ErrOtherExporter, before))
	}
	return nil
}

func insertAll(ctx context.Context, tx *sql.Tx, t *export.Table, rows []export.Row) (err error) {
	if len(rows) == 0 {
		return nil
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ")
	insert, err := tx.PrepareContext(ctx, "INSERT INTO "+t.Name+" ("+strings.Join(t.Columns, ", ")+") VALUES ("+marks+")"+conflict(t))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	values := make([]any, len(t.Columns))
	for _, row := range rows {
		for i, v := range row {
			values[i] = export.Spell(v)
		}
		if _, err := insert.ExecContext(ctx, values...); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqlite) Read(ctx context.Context, t *export.Table, fn func(export.Row) error) (err error) {
	// A cast has no declared type, by which the driver would parse times.
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = "+" + c
	}
	query := strings.Replace(selection(t), strings.Join(t.Columns, ", "), strings.Join(columns, ", "), 1)
	found, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	row := make(export.Row, len(t.Columns))
	places := make([]any, len(row))
	for i := range row {
		places[i] = &row[i]
	}
	for found.Next() {
		if err := found.Scan(places...); err != nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return found.Err()
}
