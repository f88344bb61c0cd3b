package sqldb

import (
	"cmp"
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
	"onsale/internal/failpoint"
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
	err := s.db.QueryRowContext(ctx, selectPosition).Scan(&w.Cluster, &w.Birth, &w.Head.Height, &w.Hash, &w.Seq, &at, &w.Exporter, &w.Users, &w.Cuts)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		w.At, err = time.Parse(time.RFC3339Nano, at)
	}
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, selectBirths, 1, func(row export.Row) error {
		w.Births = append(w.Births, row[0].(string))
		return nil
	})
	return &w, err
}

func (s *sqlite) Write(ctx context.Context, c *Change) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := s.write(ctx, tx, c); err != nil {
		return err
	}
	failpoint.Hit(failpoint.ExportCommit)
	err = tx.Commit()
	failpoint.Hit(failpoint.ExportCommitted)
	return err
}

func (s *sqlite) write(ctx context.Context, tx *sql.Tx, c *Change) error {
	statement, values := moveStatement(c, export.Spell)
	done, err := tx.ExecContext(ctx, statement, values...)
	if err != nil {
		return err
	}
	count, err := done.RowsAffected()
	if err = cmp.Or(err, moved(c, count)); err != nil {
		return err
	}
	if c.Cut != nil {
		if err := cutSQLite(ctx, tx, c.Cut); err != nil {
			return err
		}
	}
	for _, t := range export.Tables() {
		if err := insertAll(ctx, tx, "INSERT INTO "+t.Name+" ("+strings.Join(t.Columns, ", ")+") VALUES ("+marks(len(t.Columns))+")"+conflict(t), c.Rows.Of(t)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

// cutSQLite marks what is lost, and takes back its money.
func cutSQLite(ctx context.Context, tx *sql.Tx, c *Cut) error {
	for _, t := range export.Tables() {
		if err := insertAll(ctx, tx, markLost(t), c.keys(t)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	if err := insertAll(ctx, tx, insertCounter(), c.counters()); err != nil {
		return err
	}
	return insertAll(ctx, tx, insertCut, []export.Row{c.values(export.Spell)})
}

func marks(count int) string { return strings.TrimSuffix(strings.Repeat("?, ", count), ", ") }

// insertAll runs a statement with the values of each row.
func insertAll(ctx context.Context, tx *sql.Tx, statement string, rows []export.Row) (err error) {
	if len(rows) == 0 {
		return nil
	}
	failpoint.Hit(failpoint.ExportStatement)
	insert, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	values := make([]any, len(rows[0]))
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

func (s *sqlite) Read(ctx context.Context, t *export.Table, fn func(export.Row) error) error {
	// A cast has no declared type, by which the driver would parse times.
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = "+" + c
	}
	query := strings.Replace(selection(t), strings.Join(t.Columns, ", "), strings.Join(columns, ", "), 1)
	return s.each(ctx, query, len(t.Columns), fn)
}

// each calls fn for each row of a query's; the row is valid until the next one.
func (s *sqlite) each(ctx context.Context, query string, columns int, fn func(export.Row) error) (err error) {
	found, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	row := make(export.Row, columns)
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
