// What people would build instead, behind the same HTTP contract. A module of its
// own: what we compare with is not what we are built of.
module onsale/bench/peers

go 1.26.0

require (
	github.com/jackc/pgx/v5 v5.12.0
	github.com/redis/rueidis v1.0.79
	github.com/valyala/fasthttp v1.78.0
	onsale v0.0.0
)

replace onsale => ../..
