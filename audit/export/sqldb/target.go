// Package sqldb writes the export's rows to PostgreSQL and SQLite.
//
// # Exactly once
//
// Rows and the position up to which they are exported are written in one transaction, which
// begins with the position that the exporter knows. What if we die here? Before the commit there
// is nothing of it, and the next exporter begins where the position is; behind it there is all.
// One exporter at a time holds a lock: PostgreSQL's advisory one, or that of a file beside SQLite's;
// a second is told who the first is. Should a lock be lost, with a connection say, the transaction
// finds another position than the one that its exporter knows, and writes nothing.
//
// The position has the hash of its block. An exporter that meets another block at that height
// reads another history (a restore has cut what was exported, or it is another cluster) and
// writes nothing.
package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"onsale/audit/export"
)

var (
	// ErrTarget is returned when a target's address is not understood.
	ErrTarget = errors.New("bad target")
	// ErrOtherHistory is returned when what was exported is not of the journal that is read.
	ErrOtherHistory = errors.New("the database has rows of another history than the journal")
)

// Written is the position up to which a target is written, with who wrote it.
type Written struct {
	export.Position
	Hash     string // of the block, hexadecimal
	Exporter string
	Users    string
	Births   []string // ids, the oldest first; none when a release wrote that did not keep them
	Cuts     int64    // that were accepted
}

// Change is a transaction: rows that follow the height Before, and the position.
type Change struct {
	Before          uint64
	Rows            *export.Rows
	Exporter, Users string
	Cut             *Cut // made first; nil for none
}

// Target is a database. It belongs to one goroutine.
type Target interface {
	// Written returns up to where the target is written; nil for not at all.
	Written(ctx context.Context) (*Written, error)
	// Write writes a change in one transaction. export.ErrOtherExporter.
	Write(ctx context.Context, c *Change) error
	// Read calls fn for each row of a table that is not lost, by its key; without a key it is a view.
	Read(ctx context.Context, t *export.Table, fn func(export.Row) error) error
	Close() error
}

const schemeSQLite, schemePostgres = "sqlite", "postgres"

// split returns an address's scheme, and what comes behind its colon. The error does not repeat the
// address: it may have a password.
func split(address string) (scheme, rest string, err error) {
	scheme, rest, _ = strings.Cut(address, ":")
	switch {
	case scheme == schemeSQLite && rest != "":
		return scheme, rest, nil
	case (scheme == schemePostgres || scheme == "postgresql") && strings.HasPrefix(rest, "//"):
		return schemePostgres, rest, nil
	}
	return "", "", fmt.Errorf("%w: expected is postgres://USER@HOST/DATABASE or sqlite:FILE", ErrTarget)
}

// Open opens a target by its address, postgres://… or sqlite:FILE, and brings its tables up to
// date. Schema is PostgreSQL's. ErrTarget, ErrNewer, export.ErrOtherExporter.
func Open(ctx context.Context, address, schema string) (Target, error) {
	scheme, rest, err := split(address)
	switch {
	case err != nil:
		return nil, err
	case scheme == schemeSQLite:
		return openSQLite(ctx, rest)
	}
	return openPostgres(ctx, address, schema)
}

// assignments spells what a row that is there already gets of a new one.
func assignments(t *export.Table) string {
	var parts []string
	for _, column := range t.Columns[t.Key:] {
		parts = append(parts, column+" = excluded."+column)
	}
	return strings.Join(parts, ", ")
}

// conflict spells what becomes of a row whose key is there.
func conflict(t *export.Table) string {
	keys := " ON CONFLICT (" + strings.Join(t.Columns[:t.Key], ", ") + ", lost) DO "
	if t.AppendOnly {
		return keys + "NOTHING"
	}
	return keys + "UPDATE SET " + assignments(t)
}

func selection(t *export.Table) string {
	query := "SELECT " + strings.Join(t.Columns, ", ") + " FROM " + t.Name
	if t.Key == 0 {
		return query
	}
	return query + " WHERE lost = 0 ORDER BY " + strings.Join(t.Columns[:t.Key], ", ")
}

const (
	selectPosition = "SELECT cluster, birth, height, hash, seq, at, exporter, users, (SELECT count(*) FROM cuts) FROM position"
	selectBirths   = "SELECT id FROM births WHERE lost = 0 ORDER BY number"
	insertPosition = "INSERT INTO position (one, cluster, birth, height, hash, seq, at, exporter, users, written_at) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)"
	updatePosition = "UPDATE position SET cluster = $1, birth = $2, height = $3, hash = $4, seq = $5, at = $6, exporter = $7, users = $8, written_at = $9 WHERE height = $10"
)

// moveStatement is the statement that moves the position, with its values.
func moveStatement(c *Change, value func(any) any) (string, []any) {
	p := &c.Rows.Position
	values := []any{p.Cluster, p.Birth, int64(p.Head.Height), p.HeadHash(), int64(p.Seq), value(p.At), c.Exporter, c.Users, value(time.Now().UTC().Truncate(time.Microsecond))}
	if c.Before == 0 {
		return insertPosition, values
	}
	return updatePosition, append(values, int64(c.Before))
}

// moved checks that the position was where the exporter knew it.
func moved(c *Change, rows int64) error {
	if rows != 1 {
		return fmt.Errorf("%w: the position is not at block %d any more", export.ErrOtherExporter, c.Before)
	}
	return nil
}
