package sqldb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"onsale/audit/export"
	"onsale/internal/failpoint"
)

// lockNumber is of the advisory lock that an exporter holds; "onsale" as a number. Exporters to
// several schemas of one database have locks of their own: the second number is the schema's.
const lockNumber = 0x6f6e73

// postgres is a schema of a database.
type postgres struct {
	conn *pgx.Conn
}

// postgresConfig is how a schema of a database is connected to.
func postgresConfig(address, schema string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	config.RuntimeParams["search_path"] = pgx.Identifier{schema}.Sanitize()
	config.RuntimeParams["application_name"] = export.Self()
	config.RuntimeParams["timezone"] = "UTC"
	return config, nil
}

func openPostgres(ctx context.Context, address, schema string) (_ Target, err error) {
	config, err := postgresConfig(address, schema)
	if err != nil {
		return nil, err
	}
	p := &postgres{}
	if p.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := p.takeLock(ctx, schema); err != nil {
		return nil, err
	}
	if err := p.makeSchema(ctx, schema); err != nil {
		return nil, fmt.Errorf("schema %s: %w", schema, err)
	}
	return p, migratePostgres(ctx, config)
}

// makeSchema makes a schema when it is missing: who may not make one may be given it.
func (p *postgres) makeSchema(ctx context.Context, schema string) error {
	var there bool
	err := p.conn.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_namespace WHERE nspname = $1", schema).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = p.conn.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{schema}.Sanitize())
	return err
}

// lockWaitMax is for how long an exporter waits for the lock: the server notices a little later that
// the one before was killed. lockPause lies between two tries.
const (
	lockWaitMax = 5 * time.Second
	lockPause   = 50 * time.Millisecond
)

// takeLock makes this exporter the only one; it ends with the connection.
func (p *postgres) takeLock(ctx context.Context, schema string) error {
	for deadline := time.Now().Add(lockWaitMax); ; {
		var got bool
		err := p.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, hashtext($2))", lockNumber, schema).Scan(&got)
		if err != nil || got {
			return err
		}
		if time.Now().After(deadline) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
	holder, err := p.lockHolder(ctx, schema)
	return errors.Join(fmt.Errorf("%w: %s", export.ErrOtherExporter, holder), err)
}

// lockHolder names who has the lock, "" when that has just ended.
func (p *postgres) lockHolder(ctx context.Context, schema string) (holder string, err error) {
	err = p.conn.QueryRow(ctx, `SELECT a.application_name || to_char(a.backend_start AT TIME ZONE 'UTC', '", since "YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid::bigint = hashtext($2)::bigint & 4294967295 LIMIT 1`, lockNumber, schema).Scan(&holder)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return holder, err
}

func migratePostgres(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	return errors.Join(migrate(ctx, goose.DialectPostgres, db), db.Close())
}

// closeMax bounds a connection's end.
const closeMax = 5 * time.Second

func (p *postgres) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeMax)
	defer cancel()
	return p.conn.Close(ctx)
}

func (p *postgres) Written(ctx context.Context) (*Written, error) {
	var w Written
	err := p.conn.QueryRow(ctx, selectPosition).Scan(&w.Cluster, &w.Birth, &w.Head.Height, &w.Hash, &w.Seq, &w.At, &w.Exporter, &w.Users, &w.Cuts)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := p.conn.Query(ctx, selectBirths)
	if err == nil {
		w.Births, err = pgx.CollectRows(found, pgx.RowTo[string])
	}
	return &w, err
}

func (p *postgres) Write(ctx context.Context, c *Change) error {
	err := pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
		statement, values := moveStatement(c, asDate)
		done, err := tx.Exec(ctx, statement, values...)
		if err = cmp.Or(err, moved(c, done.RowsAffected())); err != nil {
			return err
		}
		if c.Cut != nil {
			if err := cutPostgres(ctx, tx, c.Cut); err != nil {
				return err
			}
		}
		for _, t := range export.Tables() {
			if err := copyAll(ctx, tx, t, c.Rows.Of(t)); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
		failpoint.Hit(failpoint.ExportCommit)
		return nil
	})
	failpoint.Hit(failpoint.ExportCommitted)
	return err
}

// cutPostgres marks what is lost, and takes back its money.
func cutPostgres(ctx context.Context, tx pgx.Tx, c *Cut) error {
	for _, t := range export.Tables() {
		if err := execAll(ctx, tx, markLost(t), c.keys(t)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	if err := execAll(ctx, tx, insertCounter(), c.counters()); err != nil {
		return err
	}
	return execAll(ctx, tx, insertCut, []export.Row{c.values(asDate)})
}

// statementsMax bounds the statements that are sent before their answers are read.
const statementsMax = 1000

// execAll runs a statement with the values of each row.
func execAll(ctx context.Context, tx pgx.Tx, statement string, rows []export.Row) error {
	for chunk := range slices.Chunk(rows, statementsMax) {
		failpoint.Hit(failpoint.ExportStatement)
		var batch pgx.Batch
		for _, row := range chunk {
			values := make([]any, len(row))
			for i, v := range row {
				values[i] = asDate(v)
			}
			batch.Queue(statement, values...)
		}
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
	}
	return nil
}

// copyAll copies rows to a table of the transaction, and from there to theirs: COPY knows no
// rows that are there already.
func copyAll(ctx context.Context, tx pgx.Tx, t *export.Table, rows []export.Row) error {
	if len(rows) == 0 {
		return nil
	}
	failpoint.Hit(failpoint.ExportStatement)
	stage, columns := "stage_"+t.Name, strings.Join(t.Columns, ", ")
	if _, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE "+stage+" (LIKE "+t.Name+" INCLUDING DEFAULTS) ON COMMIT DROP"); err != nil {
		return err
	}
	next := func(i int) ([]any, error) {
		values := make([]any, len(rows[i]))
		for k, v := range rows[i] {
			values[k] = asDate(v)
		}
		return values, nil
	}
	failpoint.Hit(failpoint.ExportStatement)
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{stage}, t.Columns, pgx.CopyFromSlice(len(rows), next)); err != nil {
		return err
	}
	failpoint.Hit(failpoint.ExportStatement)
	_, err := tx.Exec(ctx, "INSERT INTO "+t.Name+" ("+columns+") SELECT "+columns+" FROM "+stage+conflict(t))
	return err
}

// asDate makes a date of a day, and leaves other values alone.
func asDate(v any) any {
	if day, is := v.(export.Day); is {
		at, err := time.Parse(time.DateOnly, string(day))
		if err != nil {
			panic(err) // Books format it
		}
		return at
	}
	return v
}

func (p *postgres) Read(ctx context.Context, t *export.Table, fn func(export.Row) error) error {
	found, err := p.conn.Query(ctx, selection(t))
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		values, err := found.Values()
		if err == nil {
			err = fn(export.Row(values))
		}
		if err != nil {
			return err
		}
	}
	return found.Err()
}
