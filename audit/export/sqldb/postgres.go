package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"onsale/audit/export"
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
	err := p.conn.QueryRow(ctx, selectPosition).Scan(&w.Cluster, &w.Birth, &w.Head.Height, &w.Hash, &w.Seq, &w.At, &w.Exporter, &w.Users)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &w, err
}

func (p *postgres) Write(ctx context.Context, before uint64, rows *export.Rows, exporter, users string) error {
	return pgx.BeginFunc(ctx, p.conn, func(tx pgx.Tx) error {
		statement, values := updatePosition, append(positionValues(rows, exporter, users, asDate), int64(before))
		if before == 0 {
			statement, values = insertPosition, values[:len(values)-1]
		}
		done, err := tx.Exec(ctx, statement, values...)
		if err != nil {
			return err
		}
		if done.RowsAffected() != 1 {
			return fmt.Errorf("%w: the position is not at block %d any more", export.ErrOtherExporter, before)
		}
		for _, t := range export.Tables() {
			if err := copyAll(ctx, tx, t, rows.Of(t)); err != nil {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
		}
		return nil
	})
}

// copyAll copies rows to a table of the transaction, and from there to theirs: COPY knows no
// rows that are there already.
func copyAll(ctx context.Context, tx pgx.Tx, t *export.Table, rows []export.Row) error {
	if len(rows) == 0 {
		return nil
	}
	stage, columns := "stage_"+t.Name, strings.Join(t.Columns, ", ")
	if _, err := tx.Exec(ctx, "CREATE TEMPORARY TABLE "+stage+" (LIKE "+t.Name+") ON COMMIT DROP"); err != nil {
		return err
	}
	next := func(i int) ([]any, error) {
		values := make([]any, len(rows[i]))
		for k, v := range rows[i] {
			values[k] = asDate(v)
		}
		return values, nil
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{stage}, t.Columns, pgx.CopyFromSlice(len(rows), next)); err != nil {
		return err
	}
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
