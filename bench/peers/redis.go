package main

import (
	"context"
	"crypto/tls"
	_ "embed"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"onsale/bench"
)

//go:embed buy.lua
var buyScript string

//go:embed expire.lua
var expireScript string

// redisStore keeps everything in Redis. The client pipelines by itself: what the
// connections of one moment ask goes in one write, and Redis syncs its log once for it.
type redisStore struct {
	client           rueidis.Client
	buying, expiring *rueidis.Lua
	sales            []string // not written after create
}

func openRedis(_ context.Context, socket string) (store, error) { return connectRedis(socket) }

// connectRedis connects to a server's unix socket.
func connectRedis(socket string) (*redisStore, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{socket}, DisableCache: true, AlwaysPipelining: true, PipelineMultiplex: redisConnectionsLog2,
		DialCtxFn: func(ctx context.Context, address string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", address)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("redis at %s: %w", socket, err)
	}
	return &redisStore{client: client, buying: rueidis.NewLuaScript(buyScript), expiring: rueidis.NewLuaScript(expireScript)}, nil
}

// redisConnectionsLog2 is the logarithm of the number of connections. Two and four were
// not faster than one by more than the noise of two cores; one has the larger batches.
const redisConnectionsLog2 = 0

// keysOf returns the two keys of a sale; the braces keep them on one shard of a cluster.
func keysOf(sale string) []string { return []string{"{" + sale + "}:sale", "{" + sale + "}:due"} }

func (r *redisStore) create(ctx context.Context, sale string, tickets uint32) error {
	r.sales = append(r.sales, sale)
	return r.client.Do(ctx, r.client.B().Hset().Key(keysOf(sale)[0]).FieldValue().
		FieldValue("left", strconv.Itoa(int(tickets))).FieldValue("seq", "0").FieldValue("cap", strconv.Itoa(bench.ShopCap)).Build()).Error()
}

func (r *redisStore) buy(ctx context.Context, o *order) (decision, error) {
	got, err := r.buying.Exec(ctx, r.client, keysOf(o.sale),
		[]string{o.user, o.key, strconv.Itoa(o.quantity), strconv.FormatInt(o.deadline.UnixMilli(), 10)}).AsIntSlice()
	if err != nil {
		return decision{}, err
	}
	return decision{outcome(got[0]), got[1]}, nil
}

func (r *redisStore) expire(ctx context.Context, now time.Time) error {
	due := []string{strconv.FormatInt(now.UnixMilli(), 10)}
	for _, sale := range r.sales {
		for expired := int64(1000); expired == 1000; {
			var err error
			if expired, err = r.expiring.Exec(ctx, r.client, keysOf(sale), due).AsInt64(); err != nil {
				return err
			}
		}
	}
	return nil
}

// books counts the orders, which is independent of the count that buys are decided by.
func (r *redisStore) books(ctx context.Context, sale string) (bench.Books, error) {
	all, err := r.client.Do(ctx, r.client.B().Hgetall().Key(keysOf(sale)[0]).Build()).AsStrMap()
	if err != nil {
		return bench.Books{}, err
	}
	b, held := bench.Books{}, map[string]uint64{}
	for field, value := range all {
		switch words := strings.SplitN(value, " ", 4); {
		case field == "left":
			b.Available, err = strconv.ParseUint(value, 10, 64)
		case strings.HasPrefix(field, "o:") && len(words) == 4 && words[2] == "reserved":
			var quantity uint64
			quantity, err = strconv.ParseUint(words[0], 10, 64)
			b.Held += quantity
			held[words[3]] += quantity
			b.MostHeld = max(b.MostHeld, held[words[3]])
		}
		if err != nil {
			return b, fmt.Errorf("field %s is %q: %w", field, value, err)
		}
	}
	return b, nil
}

func (r *redisStore) close() { r.client.Close() }
