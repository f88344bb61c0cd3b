package main

import (
	"context"
	_ "embed"
	"strconv"

	"github.com/redis/rueidis"
)

//go:embed buy_batch.lua
var buyBatchScript string

// batchedRedis is a redisStore that decides many orders in one call of Lua. The one goroutine
// of batched calls it.
type batchedRedis struct {
	*redisStore
	buying    *rueidis.Lua
	arguments []string
	decisions []decision
}

func openBatchedRedis(ctx context.Context, socket string) (store, error) {
	r, err := connectRedis(socket)
	if err != nil {
		return nil, err
	}
	return newBatched(&batchedRedis{redisStore: r, buying: rueidis.NewLuaScript(buyBatchScript)}), nil
}

func (r *batchedRedis) buyMany(ctx context.Context, orders []*order) ([]decision, error) {
	r.arguments = r.arguments[:0]
	for _, o := range orders {
		r.arguments = append(r.arguments, o.user, o.key, strconv.Itoa(o.quantity), strconv.FormatInt(o.deadline.UnixMilli(), 10))
	}
	got, err := r.buying.Exec(ctx, r.client, keysOf(orders[0].sale), r.arguments).AsIntSlice()
	if err != nil {
		return nil, err
	}
	r.decisions = r.decisions[:0]
	for i := range orders {
		r.decisions = append(r.decisions, decision{outcome(got[2*i]), got[2*i+1]})
	}
	return r.decisions, nil
}
