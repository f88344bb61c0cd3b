package main

import "strings"

// target is one row of the targets.
type target struct{ id, what string }

// targets are all of them, in order.
var targets = []target{
	{"T1", "the rules alone: one goroutine, batches of 1,000, distinct buyers"},
	{"T2", "the whole commit path in one process: inbox, raft, fsync, decision, journal, answer"},
	{"T3", "the log as raft's log store, the same entries to each store in turn"},
	{"T4", "buys over HTTP, one node, 512 keep-alive connections, tokens checked"},
	{"T5", "the same buy and the same load on what people would build instead"},
	{"T6", "a rush at front-ends: requests arrive at fixed times, three nodes"},
	{"T7", "the leader's CPU for a forwarded request"},
	{"T8", "the whole sale: 10 million buyers over HTTP, 100,000 tickets, three nodes"},
	{"T9", "restart, and fail-over after kill -9 of the leader under load"},
}

// goal is what a figure must come to; kind 0 is for what is shown to orient.
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
	againstBare  = "a bare write and fsync of the same bytes"
	againstBolt  = "raft-boltdb as the log"
	againstRedis = "fasthttp + Redis, fsync always"
	againstLock  = "fasthttp + PostgreSQL, row lock"
)

var definitions = []definition{
	{"T1.selling", "decisions, from none to as many holders as decisions", selling, "1/s", "LMAX, published: 6M/s",
		goal{leastMeasured, 10e6}, everywhere},
	{"T1.soldout", "decisions, 100,000 holders", soldOut, "1/s", "", goal{leastMeasured, 20e6}, everywhere},
	{"T1.allocations.selling", "allocations a decision", selling, "", "", goal{mostMeasured, 0}, everywhere},
	{"T1.allocations.soldout", "allocations a decision", soldOut, "", "", goal{mostMeasured, 0}, everywhere},
	{"T1.holders.selling", "a decision at 10M holders", selling, "ns", "the same at 100,000 holders",
		goal{mostRatio, 2.5}, everywhere},
	{"T1.holders.soldout", "a decision at 10M holders", soldOut, "ns", "the same at 100,000 holders",
		goal{mostRatio, 2.5}, everywhere},

	{"T2.one.selling", "decisions, one node", selling, "1/s", "", goal{leastMeasured, 4e6}, everywhere},
	{"T2.one.soldout", "decisions, one node", soldOut, "1/s", "", goal{leastMeasured, 4e6}, everywhere},
	{"T2.three.selling", "decisions, three nodes", selling, "1/s", "", goal{leastMeasured, 2e6}, everywhere},
	{"T2.three.soldout", "decisions, three nodes", soldOut, "1/s", "", goal{leastMeasured, 2e6}, everywhere},
	{"T2.lone.one", "commit of a lone request, one node", "", "µs", againstBare, goal{mostRatio, 1.5}, everywhere},
	{"T2.lone.three", "commit of a lone request, three nodes", "", "µs", againstBare, goal{mostRatio, 4}, everywhere},
	{"T2.boltdb.1", "one raft entry of 80 bytes", "", "µs", againstBolt, goal{}, everywhere},
	{"T2.boltdb.1000", "one raft entry of 24,000 bytes", "", "µs", againstBolt, goal{}, everywhere},
	{"T2.boltdb.8000", "one raft entry of 192,000 bytes", "", "µs", againstBolt, goal{}, everywhere},

	{"T3.boltdb", "entries, batches of 1 to 100, the worst of them", "", "1/s", "raft-boltdb", goal{leastRatio, 2}, everywhere},
	{"T3.raftwal", "entries, batches of 1 to 100, the worst of them", "", "1/s", "raft-wal", goal{leastRatio, 1}, everywhere},
	{"T3.bare", "entries, batches of 1 to 100, the worst of them", "", "1/s", "a bare write and fsync",
		goal{leastRatio, 0.9}, everywhere},

	{"T4.api", "requests, the API over a backend that answers at once", "", "1/s",
		"bare fasthttp with a constant of the same size", goal{leastRatio, 0.95}, everywhere},
	{"T4.node.selling", "requests, the whole node with its commits", selling, "1/s", "bare fasthttp with a constant",
		goal{leastRatio, 0.95}, inReadme},
	{"T4.node.soldout", "requests, the whole node with its commits", soldOut, "1/s", "bare fasthttp with a constant",
		goal{leastRatio, 0.95}, everywhere},

	{"T5.redis.one.selling", "requests, one node", selling, "1/s", againstRedis, goal{leastRatio, 3}, inReadme},
	{"T5.redis.one.soldout", "requests, one node", soldOut, "1/s", againstRedis, goal{leastRatio, 3}, everywhere},
	{"T5.postgres.one.selling", "requests, one node", selling, "1/s", againstLock, goal{leastRatio, 30}, everywhere},
	{"T5.postgres.one.soldout", "requests, one node", soldOut, "1/s", againstLock, goal{leastRatio, 30}, everywhere},
	{"T5.redis.three.selling", "requests, three nodes", selling, "1/s", againstRedis + ", one node",
		goal{leastRatio, 3}, everywhere},
	{"T5.redis.three.soldout", "requests, three nodes", soldOut, "1/s", againstRedis + ", one node",
		goal{leastRatio, 3}, everywhere},
	{"T5.postgres.three.selling", "requests, three nodes", selling, "1/s", againstLock + ", one node",
		goal{leastRatio, 30}, everywhere},
	{"T5.postgres.three.soldout", "requests, three nodes", soldOut, "1/s", againstLock + ", one node",
		goal{leastRatio, 30}, everywhere},

	{"T6.second.p99", "p99 from the intended arrival, 500,000 within 1 s", "", "ms", "", goal{mostMeasured, 250}, inReadme},
	{"T6.second.undecided", "not decided of 500,000 within 1 s", "", "requests", "", goal{mostMeasured, 0}, everywhere},
	{"T6.ten.p99", "p99 from the intended arrival, 5M within 10 s", "", "ms", "", goal{mostMeasured, 250}, everywhere},
	{"T6.ten.undecided", "not decided of 5M within 10 s", "", "requests", "", goal{mostMeasured, 0}, everywhere},

	{"T7.selling", "leader's CPU a forwarded request", selling, "µs", "", goal{mostMeasured, 0.5}, everywhere},
	{"T7.soldout", "leader's CPU a forwarded request", soldOut, "µs", "", goal{mostMeasured, 0.5}, everywhere},

	{"T8.selling", "requests", selling, "1/s", "", goal{}, fullOnly},
	{"T8.soldout", "requests", soldOut, "1/s", "", goal{}, fullOnly},
	{"T8.last", "requests in the last million", soldOut, "1/s", "the first million", goal{leastRatio, 1}, fullOnly},
	{"T8.memory", "the leader's memory, at most", "", "MiB", "", goal{mostMeasured, 1024}, fullOnly},
	{"T8.sold", "tickets sold or held, of 100,000", "", "tickets", "", goal{leastMeasured, 100_000}, fullOnly | inReadme},

	{"T9.restart", "restart after 10M decisions, until ready", "", "ms", "", goal{mostMeasured, 2000}, everywhere},
	{"T9.failover", "kill -9 of the leader until the next decision, p99", "", "ms", "etcd's default election timeout: 1 s",
		goal{mostMeasured, 1000}, inReadme},
	{"T9.lost", "orders that were told and are lost", "", "orders", "", goal{mostMeasured, 0}, everywhere},
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

// definitionsOf returns what is measured of a target, in the order in which it is shown.
func definitionsOf(target string) (found []*definition) {
	for i := range definitions {
		if definitions[i].target() == target {
			found = append(found, &definitions[i])
		}
	}
	return found
}

func (d *definition) target() string {
	id, _, _ := strings.Cut(d.id, ".")
	return id
}
