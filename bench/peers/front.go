package main

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"onsale/api/auth"
	"onsale/bench"
)

// front answers the buy of the HTTP contract from a store: token, parameters, store,
// answer. It does less than ours: no strict look at the header's lines, no limits, no
// request ids, no metrics.
type front struct {
	tokens *auth.Verifier
	store  store
}

func newFront(secret []byte, s store) (*front, error) {
	config := auth.DefaultConfig()
	config.Secrets = [][]byte{secret}
	tokens, err := auth.NewVerifier(config)
	return &front{tokens: tokens, store: s}, err
}

// bare answers without a look at token, key or quantity: the least that HTTP costs.
// Its answers are as long as the others'.
func (f *front) bare(ctx *fasthttp.RequestCtx) {
	o := bareOrder
	o.sale = string(ctx.QueryArgs().Peek("sale"))
	d, _ := f.store.buy(ctx, &o) // a count cannot fail
	answer(ctx, &o, d)
}

var bareOrder = order{quantity: 1, deadline: time.Now().Add(bench.ShopHold)}

// server has the settings of ours, as far as they cost or spare time.
func (f *front) server() *fasthttp.Server {
	handler := f.handle
	if _, isBare := f.store.(*bareStore); isBare {
		handler = f.bare
	}
	return &fasthttp.Server{
		Handler: handler, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		NoDefaultServerHeader: true, NoDefaultContentType: true, LazyRequestTime: true, DisableHeaderNamesNormalizing: true,
	}
}

func (f *front) handle(ctx *fasthttp.RequestCtx) {
	switch {
	case string(ctx.Path()) == "/v1/tickets" && ctx.IsPost():
		f.buy(ctx)
	case string(ctx.Path()) == "/books" && ctx.IsGet():
		f.books(ctx)
	default:
		problem(ctx, fasthttp.StatusNotFound, "not-found")
	}
}

func (f *front) buy(ctx *fasthttp.RequestCtx) {
	const bearer = "Bearer "
	now := time.Now()
	authorization := ctx.Request.Header.Peek("Authorization")
	if len(authorization) <= len(bearer) || string(authorization[:len(bearer)]) != bearer {
		problem(ctx, fasthttp.StatusUnauthorized, "unauthorized")
		return
	}
	who, err := f.tokens.Verify(authorization[len(bearer):], now.Unix())
	if err != nil {
		problem(ctx, fasthttp.StatusUnauthorized, "unauthorized")
		return
	}
	args := ctx.QueryArgs()
	quantity, err := args.GetUint("q")
	if err != nil || quantity < 1 || quantity > bench.ShopCap {
		problem(ctx, fasthttp.StatusBadRequest, "bad-request")
		return
	}
	key := ctx.Request.Header.Peek("Idempotency-Key")
	if len(key) < 1 || len(key) > 64 {
		problem(ctx, fasthttp.StatusBadRequest, "bad-request")
		return
	}
	o := order{sale: string(args.Peek("sale")), user: string(who.User), key: string(key), quantity: quantity,
		deadline: now.Add(bench.ShopHold)}
	d, err := f.store.buy(ctx, &o)
	if err != nil {
		problem(ctx, fasthttp.StatusServiceUnavailable, "unavailable")
		return
	}
	answer(ctx, &o, d)
}

// answer writes a decision as the contract spells it.
func answer(ctx *fasthttp.RequestCtx, o *order, d decision) {
	var buffer [256]byte
	b := buffer[:0]
	switch d.outcome {
	case unknownSale:
		problem(ctx, fasthttp.StatusNotFound, "unknown-sale")
		return
	case soldOut:
		b = append(b, `{"status":"fail","reason":"sold_out"}`...)
	case capExceeded:
		b = append(b, `{"status":"fail","reason":"cap_exceeded"}`...)
	case reserved:
		ctx.SetStatusCode(fasthttp.StatusAccepted)
		b = appendReserved(b, o, d.seq)
	}
	ctx.Response.Header.SetContentType("application/json")
	ctx.Response.SetBody(b)
}

func appendReserved(b []byte, o *order, seq int64) []byte {
	uid := func(b []byte) []byte { return strconv.AppendInt(append(append(b, o.sale...), '-'), seq, 10) }
	b = uid(append(b, `{"status":"pending","callback":"/v1/orders/`...))
	b = uid(append(b, `","order":"`...))
	b = append(b, `","state":"reserved","quantity":`...)
	b = strconv.AppendInt(b, int64(o.quantity), 10)
	b = append(b, `,"seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	b = append(b, `,"expires_at":"`...)
	b = o.deadline.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, `"}`...)
}

func problem(ctx *fasthttp.RequestCtx, status int, code string) {
	ctx.SetStatusCode(status)
	ctx.Response.Header.SetContentType("application/problem+json")
	ctx.Response.SetBodyString(`{"code":"` + code + `"}`)
}

// books answers what the store says of a sale; it is the bench's way in.
func (f *front) books(ctx *fasthttp.RequestCtx) {
	books, err := f.store.books(ctx, string(ctx.QueryArgs().Peek("sale")))
	if err != nil {
		problem(ctx, fasthttp.StatusServiceUnavailable, "unavailable")
		return
	}
	_ = json.NewEncoder(ctx).Encode(books) // numbers into memory
}

// sweep expires orders as long as the process lives. A failed turn is made good by the next.
func (f *front) sweep() {
	for now := range time.Tick(time.Second) {
		_ = f.store.expire(context.Background(), now)
	}
}
