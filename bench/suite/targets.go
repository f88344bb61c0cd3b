package main

// goal is what a figure must come to; kind 0 is for what is measured to orient, or has no
// target of its own.
type goal struct {
	kind  goalKind
	value float64
}

// goalKind is which of a figure's two numbers a goal is about, and its direction.
type goalKind int

const (
	noGoal goalKind = iota
	leastMeasured
	mostMeasured
	leastRatio
	mostRatio
)

func (k goalKind) isRatio() bool { return k == leastRatio || k == mostRatio }
func (k goalKind) isLeast() bool { return k == leastMeasured || k == leastRatio }

// definition is what a figure means. It is kept apart from what was measured.
type definition struct {
	id      string // its target's, a dot, and what of it
	what    string
	phase   string // selling, soldOut, or "" where there is no difference
	unit    string // of what is measured
	against string // what the ratio is to, or who is near; "" for nothing
	goal    goal
	set     definitionSet
}

// definitionSet is where a figure is left out, or shown as well.
type definitionSet uint8

const (
	fullOnly   definitionSet = 1 << iota // the quick profile does not measure it
	inReadme                             // it is one of the few that the README has
	everywhere definitionSet = 0
)

const (
	selling = "selling"
	soldOut = "sold out"
)

// What figures are compared with, where several are with the same.
const (
	againstBare = "a bare write and fsync of the same bytes"
	againstBolt = "raft-boltdb as the log"
	againstHTTP = "bare fasthttp with a constant"
	// Both have an fsync before each answer.
	againstRedis    = "fasthttp + Redis, batched"
	againstPostgres = "fasthttp + PostgreSQL, batched"
	againstCalls    = "fasthttp + Redis, fsync always"
	againstLock     = "fasthttp + PostgreSQL, row lock"
)

var definitions = []definition{
	{"T1.selling", "decisions, from none to as many holders as decisions", selling, "1/s", "LMAX, published: 6M/s",
		goal{leastMeasured, 10e6}, everywhere},
	{"T1.soldout", "decisions, 100,000 holders", soldOut, "1/s", "", goal{leastMeasured, 20e6}, everywhere},
	{"T1.allocations.selling", "allocations a decision", selling, "", "", goal{mostMeasured, 0}, everywhere},
	{"T1.allocations.soldout", "allocations a decision", soldOut, "", "", goal{mostMeasured, 0}, everywhere},
	{"T1.holders.selling", "a decision at 10M holders", selling, "ns", "the same at 100,000 holders",
		goal{mostRatio, 1.6}, everywhere},
	{"T1.holders.soldout", "a decision at 10M holders", soldOut, "ns", "the same at 100,000 holders",
		goal{mostRatio, 1.6}, everywhere},

	{"T2.one.selling", "decisions, one node", selling, "1/s", "", goal{leastMeasured, 5e6}, everywhere},
	{"T2.one.soldout", "decisions, one node", soldOut, "1/s", "", goal{leastMeasured, 8e6}, everywhere},
	{"T2.three.selling", "decisions, three nodes", selling, "1/s", "", goal{leastMeasured, 1.8e6}, everywhere},
	{"T2.three.soldout", "decisions, three nodes", soldOut, "1/s", "", goal{leastMeasured, 3e6}, everywhere},
	{"T2.lone.one", "commit of a lone request, one node", "", "µs", againstBare, goal{mostRatio, 1.2}, everywhere},
	{"T2.lone.three", "commit of a lone request, three nodes", "", "µs", againstBare, goal{mostRatio, 3}, everywhere},
	{"T2.boltdb.1", "one raft entry of 80 bytes", "", "µs", againstBolt, goal{}, everywhere},
	{"T2.boltdb.1000", "one raft entry of 24,000 bytes", "", "µs", againstBolt, goal{}, everywhere},
	{"T2.boltdb.8000", "one raft entry of 192,000 bytes", "", "µs", againstBolt, goal{}, everywhere},

	{"T3.boltdb", "entries, batches of 1 to 100, the worst of them", "", "1/s", "raft-boltdb", goal{leastRatio, 2}, everywhere},
	{"T3.raftwal", "entries, batches of 1 to 100, the worst of them", "", "1/s", "raft-wal", goal{leastRatio, 1}, everywhere},
	{"T3.bare", "entries, batches of 1 to 100, the worst of them", "", "1/s", "a bare write and fsync",
		goal{leastRatio, 0.95}, everywhere},

	{"T4.api", "requests, the API over a backend that answers at once", "", "1/s", againstHTTP, goal{}, everywhere},
	{"T4.node.selling", "requests, one node", selling, "1/s", againstHTTP, goal{leastRatio, 0.9}, inReadme},
	{"T4.node.soldout", "requests, one node", soldOut, "1/s", againstHTTP, goal{leastRatio, 0.9}, everywhere},
	{"T4.cpu.selling", "server's CPU a request, one node", selling, "µs", againstHTTP, goal{mostRatio, 1.15}, everywhere},
	{"T4.cpu.soldout", "server's CPU a request, one node", soldOut, "µs", againstHTTP, goal{mostRatio, 1.15}, everywhere},

	{"T5.redis-batched.one.selling", "requests, one node", selling, "1/s", againstRedis, goal{leastRatio, 1.8}, inReadme},
	{"T5.redis-batched.one.soldout", "requests, one node", soldOut, "1/s", againstRedis, goal{leastRatio, 1.3}, everywhere},
	{"T5.redis-batched.cpu.selling", "servers' CPU a request, one node", selling, "µs", againstRedis, goal{mostRatio, 0.55}, everywhere},
	{"T5.redis-batched.cpu.soldout", "servers' CPU a request, one node", soldOut, "µs", againstRedis, goal{mostRatio, 0.75}, everywhere},
	{"T5.redis-batched.three.selling", "requests, three nodes", selling, "1/s", againstRedis + ", one node", goal{}, everywhere},
	{"T5.redis-batched.three.soldout", "requests, three nodes", soldOut, "1/s", againstRedis + ", one node", goal{}, everywhere},
	{"T5.postgres-batched.one.selling", "requests, one node", selling, "1/s", againstPostgres, goal{leastRatio, 1.8}, everywhere},
	{"T5.postgres-batched.one.soldout", "requests, one node", soldOut, "1/s", againstPostgres, goal{leastRatio, 1.3}, everywhere},
	{"T5.postgres-batched.cpu.selling", "servers' CPU a request, one node", selling, "µs", againstPostgres, goal{mostRatio, 0.55}, everywhere},
	{"T5.postgres-batched.cpu.soldout", "servers' CPU a request, one node", soldOut, "µs", againstPostgres, goal{mostRatio, 0.75}, everywhere},
	{"T5.postgres-batched.three.selling", "requests, three nodes", selling, "1/s", againstPostgres + ", one node", goal{}, everywhere},
	{"T5.postgres-batched.three.soldout", "requests, three nodes", soldOut, "1/s", againstPostgres + ", one node", goal{}, everywhere},
	{"T5.direct.redis.selling", "decisions without HTTP, 4,096 callers, one node", selling, "1/s", "Redis, batched", goal{leastRatio, 15}, everywhere},
	{"T5.direct.redis.soldout", "decisions without HTTP, 4,096 callers, one node", soldOut, "1/s", "Redis, batched", goal{leastRatio, 5}, everywhere},
	{"T5.direct.postgres.selling", "decisions without HTTP, 4,096 callers, one node", selling, "1/s", "PostgreSQL, batched", goal{leastRatio, 15}, inReadme},
	{"T5.direct.postgres.soldout", "decisions without HTTP, 4,096 callers, one node", soldOut, "1/s", "PostgreSQL, batched", goal{leastRatio, 5}, everywhere},
	// One call a buy: what is built first.
	{"T5.redis.one.selling", "requests, one node", selling, "1/s", againstCalls, goal{}, everywhere},
	{"T5.redis.one.soldout", "requests, one node", soldOut, "1/s", againstCalls, goal{}, everywhere},
	{"T5.redis.three.selling", "requests, three nodes", selling, "1/s", againstCalls + ", one node", goal{}, everywhere},
	{"T5.redis.three.soldout", "requests, three nodes", soldOut, "1/s", againstCalls + ", one node", goal{}, everywhere},
	{"T5.postgres.one.selling", "requests, one node", selling, "1/s", againstLock, goal{}, everywhere},
	{"T5.postgres.one.soldout", "requests, one node", soldOut, "1/s", againstLock, goal{}, everywhere},
	{"T5.postgres.three.selling", "requests, three nodes", selling, "1/s", againstLock + ", one node", goal{}, everywhere},
	{"T5.postgres.three.soldout", "requests, three nodes", soldOut, "1/s", againstLock + ", one node", goal{}, everywhere},
	{"T5.cpu.selling", "servers' CPU a request, one node", selling, "µs", againstCalls, goal{}, everywhere},
	{"T5.cpu.soldout", "servers' CPU a request, one node", soldOut, "µs", againstCalls, goal{}, everywhere},

	{"T6.second.p99", "p99 from the intended arrival, 500,000 within 1 s", "", "ms", "", goal{mostMeasured, 50}, inReadme},
	{"T6.second.undecided", "not decided of 500,000 within 1 s", "", "requests", "", goal{mostMeasured, 0}, everywhere},
	{"T6.ten.p99", "p99 from the intended arrival, 5M within 10 s", "", "ms", "", goal{mostMeasured, 50}, everywhere},
	{"T6.ten.undecided", "not decided of 5M within 10 s", "", "requests", "", goal{mostMeasured, 0}, everywhere},

	{"T7.selling", "leader's CPU a forwarded request", selling, "µs", "", goal{mostMeasured, 0.5}, everywhere},
	{"T7.soldout", "leader's CPU a forwarded request", soldOut, "µs", "", goal{mostMeasured, 0.5}, everywhere},

	{"T8.selling", "requests", selling, "1/s", "", goal{}, fullOnly},
	{"T8.soldout", "requests", soldOut, "1/s", "", goal{}, fullOnly},
	{"T8.last", "requests in the last million", soldOut, "1/s", "the first million", goal{leastRatio, 1}, fullOnly},
	{"T8.memory", "the leader's memory, at most", "", "MiB", "", goal{mostMeasured, 1024}, fullOnly},
	{"T8.sold", "tickets sold or held, of 100,000", "", "tickets", "", goal{leastMeasured, 100_000}, fullOnly | inReadme},

	{"T9.restart", "restart after 10M decisions, until ready", "", "ms", "", goal{mostMeasured, 1000}, everywhere},
	{"T9.failover", "kill -9 of the leader until the next decision, p99", "", "ms", "etcd's default election timeout: 1 s",
		goal{mostMeasured, 500}, inReadme},
	{"T9.lost", "orders that were told and are lost", "", "orders", "", goal{mostMeasured, 0}, everywhere},

	{"T10.selling", "server's CPU a buy at 2,000 a second, one node", selling, "µs", "", goal{mostMeasured, 100}, everywhere},
}

// define returns what a figure means.
func define(id string) (*definition, bool) {
	for i := range definitions {
		if definitions[i].id == id {
			return &definitions[i], true
		}
	}
	return nil, false
}
