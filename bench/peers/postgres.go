package main

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onsale/bench"
)

//go:embed schema.sql
var schema string

// Connections of the pools. A row's lock is handed on one by one, so few suffice;
// commits of different rows share a sync, so there more help. Half and one and a half
// times as many were not faster by more than the noise of two cores.
const (
	rowLockPool = 8
	shardsPool  = 32
)

// shardCount is how many rows a sale's count is spread over.
const shardCount = 64

// postgresStore keeps everything in PostgreSQL; one function call is one buy.
type postgresStore struct {
	pool    *pgxpool.Pool
	call    string // the prepared statement
	sharded bool
}

// connectPostgres makes the tables at a server that a connection string names.
func connectPostgres(ctx context.Context, address string, connections int32) (*postgresStore, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = connections, connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, schema); err != nil {
		pool.Close()
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &postgresStore{pool: pool}, nil
}

// openPostgres returns what connects to a server by a connection string; function is the buy.
func openPostgres(function string, connections int32) func(context.Context, string) (store, error) {
	return func(ctx context.Context, address string) (store, error) {
		p, err := connectPostgres(ctx, address, connections)
		if err != nil {
			return nil, err
		}
		p.call, p.sharded = "SELECT outcome, coalesce(place, 0) FROM "+function+"($1, $2, $3, $4, $5)", function == "buy_sharded"
		return p, nil
	}
}

func (p *postgresStore) create(ctx context.Context, sale string, tickets uint32) error {
	count := int(tickets)
	if p.sharded {
		count = 0
		if _, err := p.pool.Exec(ctx, `INSERT INTO shards SELECT $1, i, $2::int / $3::int + CASE WHEN i < $2::int % $3::int THEN 1 ELSE 0 END
			FROM generate_series(0, $3::int - 1) i`, sale, tickets, shardCount); err != nil {
			return err
		}
	}
	_, err := p.pool.Exec(ctx, "INSERT INTO sales (id, available, cap) VALUES ($1, $2, $3)", sale, count, bench.ShopCap)
	return err
}

func (p *postgresStore) buy(ctx context.Context, o *order) (decision, error) {
	var d decision
	// The context of a request ends with nothing: the answer is wanted in any case.
	err := p.pool.QueryRow(context.WithoutCancel(ctx), p.call, o.sale, o.user, o.key, o.quantity, o.deadline).Scan(&d.outcome, &d.seq)
	return d, err
}

func (p *postgresStore) expire(ctx context.Context, now time.Time) error {
	for expired := 1000; expired == 1000; {
		if err := p.pool.QueryRow(ctx, "SELECT expire($1)", now).Scan(&expired); err != nil {
			return err
		}
	}
	return nil
}

// books counts the orders, which is independent of the count that buys are decided by.
func (p *postgresStore) books(ctx context.Context, sale string) (bench.Books, error) {
	var b bench.Books
	err := p.pool.QueryRow(ctx, `
		SELECT coalesce(sum(held), 0)::bigint, coalesce(max(held), 0)::bigint,
			(SELECT available FROM sales WHERE id = $1) + (SELECT coalesce(sum(available), 0) FROM shards WHERE sale = $1)::bigint
		FROM (SELECT sum(quantity) AS held FROM orders WHERE sale = $1 AND state IN ('reserved', 'paid') GROUP BY buyer) holders`, sale).
		Scan(&b.Held, &b.MostHeld, &b.Available)
	return b, err
}

func (p *postgresStore) close() { p.pool.Close() }
