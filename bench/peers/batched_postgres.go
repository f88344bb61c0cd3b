package main

import (
	"context"
	_ "embed"
	"fmt"
	"time"
)

//go:embed buy_batch.sql
var batchSchema string

// batchedPool is one connection that decides, and one for what else there is to do.
const batchedPool = 2

const callBatch = "SELECT outcomes, places FROM buy_batch($1, $2, $3, $4, $5)"

// batchedPostgres is a postgresStore that decides many orders in one set-based call. The one
// goroutine of batched calls it: what it sends is made in memory that it keeps.
type batchedPostgres struct {
	*postgresStore
	buyers, keys []string
	wanted       []int32
	until        []time.Time
	outcomes     []int32
	places       []int64
	decisions    []decision
}

func openBatchedPostgres(ctx context.Context, address string) (store, error) {
	p, err := connectPostgres(ctx, address, batchedPool)
	if err != nil {
		return nil, err
	}
	if _, err := p.pool.Exec(ctx, batchSchema); err != nil {
		p.close()
		return nil, fmt.Errorf("schema: %w", err)
	}
	return newBatched(&batchedPostgres{postgresStore: p}), nil
}

func (p *batchedPostgres) buyMany(ctx context.Context, orders []*order) ([]decision, error) {
	p.buyers, p.keys, p.wanted, p.until = p.buyers[:0], p.keys[:0], p.wanted[:0], p.until[:0]
	for _, o := range orders {
		p.buyers, p.keys = append(p.buyers, o.user), append(p.keys, o.key)
		p.wanted, p.until = append(p.wanted, int32(o.quantity)), append(p.until, o.deadline)
	}
	row := p.pool.QueryRow(ctx, callBatch, orders[0].sale, p.buyers, p.keys, p.wanted, p.until)
	if err := row.Scan(&p.outcomes, &p.places); err != nil {
		return nil, err
	}
	p.decisions = p.decisions[:0]
	for i, o := range p.outcomes {
		p.decisions = append(p.decisions, decision{outcome(o), p.places[i]})
	}
	return p.decisions, nil
}
