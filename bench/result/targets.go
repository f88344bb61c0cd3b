package result

import (
	"slices"
	"strings"
)

// Target is one row of the targets, T1 to T9.
type Target struct {
	ID, What string
}

// Targets are all of them, in order.
var Targets = []Target{
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

const (
	selling = "selling"
	soldOut = "sold out"
)

func least(by string, value float64) *Goal { return &Goal{By: by, Least: true, Value: value} }
func most(by string, value float64) *Goal  { return &Goal{By: by, Value: value} }

// What bounds figures, where several share a reason.
const (
	boundMemory = "memory: each new buyer's order, timer, id and index slot are written where nothing was before"
	boundHTTP   = "the kernel's and fasthttp's cost of reading and writing a connection, which everybody pays; the load shares the two cores"
	boundShared = "three replicas and the load share two cores: everything is decided and journaled three times"
	boundDisk   = "the disk: leader's fsync, round trip, follower's fsync, in sequence"
)

// definitions are what is measured of each target. Bound explains; it is written by
// hand and says nothing that a figure does not show.
var definitions = []Definition{
	{ID: "T1.selling", What: "decisions, from none to as many holders as decisions", Phase: selling, Unit: "1/s", Against: "LMAX, published: 6M/s",
		Goal: least(ByMeasured, 10e6), Bound: boundMemory},
	{ID: "T1.soldout", What: "decisions, 100,000 holders", Phase: soldOut, Unit: "1/s", Goal: least(ByMeasured, 20e6)},
	{ID: "T1.allocations.selling", What: "allocations a decision", Phase: selling, Unit: "", Goal: most(ByMeasured, 0)},
	{ID: "T1.allocations.soldout", What: "allocations a decision", Phase: soldOut, Unit: "", Goal: most(ByMeasured, 0)},
	{ID: "T1.holders.selling", What: "a decision at 10M holders", Phase: selling, Unit: "ns", Against: "the same at 100,000 holders", Goal: most(ByRatio, 2.5), Bound: boundMemory},
	{ID: "T1.holders.soldout", What: "a decision at 10M holders", Phase: soldOut, Unit: "ns", Against: "the same at 100,000 holders", Goal: most(ByRatio, 2.5),
		Bound: "cache misses in an index that no cache holds"},

	{ID: "T2.one.selling", What: "decisions, one node", Phase: selling, Unit: "1/s", Goal: least(ByMeasured, 4e6), Bound: "34 bytes of journal a decision instead of one, and " + boundMemory},
	{ID: "T2.one.soldout", What: "decisions, one node", Phase: soldOut, Unit: "1/s", Goal: least(ByMeasured, 4e6)},
	{ID: "T2.three.selling", What: "decisions, three nodes", Phase: selling, Unit: "1/s", Goal: least(ByMeasured, 2e6), Bound: boundShared},
	{ID: "T2.three.soldout", What: "decisions, three nodes", Phase: soldOut, Unit: "1/s", Goal: least(ByMeasured, 2e6), Bound: boundShared},
	{ID: "T2.lone.one", What: "commit of a lone request, one node", Unit: "µs", Against: "a bare write and fsync of the same bytes", Goal: most(ByRatio, 1.5),
		Bound: "the disk; below 1 because the log is preallocated and the bare file is not"},
	{ID: "T2.lone.three", What: "commit of a lone request, three nodes", Unit: "µs", Against: "a bare write and fsync of the same bytes", Goal: most(ByRatio, 4), Bound: boundDisk},
	{ID: "T2.boltdb.1", What: "one raft entry of 80 bytes", Unit: "µs", Against: "raft-boltdb as the log", HigherIsBetter: true},
	{ID: "T2.boltdb.1000", What: "one raft entry of 24,000 bytes", Unit: "µs", Against: "raft-boltdb as the log", HigherIsBetter: true},
	{ID: "T2.boltdb.8000", What: "one raft entry of 192,000 bytes", Unit: "µs", Against: "raft-boltdb as the log", HigherIsBetter: true},

	{ID: "T3.boltdb", What: "entries, batches of 1 to 100, the worst of them", Unit: "1/s", Against: "raft-boltdb", Goal: least(ByRatio, 2), Bound: boundFsync},
	{ID: "T3.raftwal", What: "entries, batches of 1 to 100, the worst of them", Unit: "1/s", Against: "raft-wal", Goal: least(ByRatio, 1), Bound: boundFsync},
	{ID: "T3.bare", What: "entries, batches of 1 to 100, the worst of them", Unit: "1/s", Against: "a bare write and fsync", Goal: least(ByRatio, 0.9), Bound: boundFsync},

	{ID: "T4.api", What: "requests, the API over a backend that answers at once", Unit: "1/s", Against: "bare fasthttp with a constant of the same size", Goal: least(ByRatio, 0.95), Bound: boundHTTP},
	{ID: "T4.node.selling", What: "requests, the whole node with its commits", Phase: selling, Unit: "1/s", Against: "bare fasthttp with a constant", Goal: least(ByRatio, 0.95), Bound: boundHTTP},
	{ID: "T4.node.soldout", What: "requests, the whole node with its commits", Phase: soldOut, Unit: "1/s", Against: "bare fasthttp with a constant", Goal: least(ByRatio, 0.95), Bound: boundHTTP},

	{ID: "T5.redis.one.selling", What: "requests, one node", Phase: selling, Unit: "1/s", Against: "fasthttp + Redis, fsync always", Goal: least(ByRatio, 3), Bound: boundHTTP},
	{ID: "T5.redis.one.soldout", What: "requests, one node", Phase: soldOut, Unit: "1/s", Against: "fasthttp + Redis, fsync always", Goal: least(ByRatio, 3), Bound: boundHTTP},
	{ID: "T5.postgres.one.selling", What: "requests, one node", Phase: selling, Unit: "1/s", Against: "fasthttp + PostgreSQL, row lock", Goal: least(ByRatio, 30), Bound: boundHTTP},
	{ID: "T5.postgres.one.soldout", What: "requests, one node", Phase: soldOut, Unit: "1/s", Against: "fasthttp + PostgreSQL, row lock", Goal: least(ByRatio, 30),
		Bound: "its refusals take no lock and write nothing; " + boundHTTP},
	{ID: "T5.redis.three.selling", What: "requests, three nodes", Phase: selling, Unit: "1/s", Against: "fasthttp + Redis, fsync always, one node", Goal: least(ByRatio, 3), Bound: boundShared},
	{ID: "T5.redis.three.soldout", What: "requests, three nodes", Phase: soldOut, Unit: "1/s", Against: "fasthttp + Redis, fsync always, one node", Goal: least(ByRatio, 3), Bound: boundShared},
	{ID: "T5.postgres.three.selling", What: "requests, three nodes", Phase: selling, Unit: "1/s", Against: "fasthttp + PostgreSQL, row lock, one node", Goal: least(ByRatio, 30), Bound: boundShared},
	{ID: "T5.postgres.three.soldout", What: "requests, three nodes", Phase: soldOut, Unit: "1/s", Against: "fasthttp + PostgreSQL, row lock, one node", Goal: least(ByRatio, 30), Bound: boundShared},

	{ID: "T6.second.p99", What: "p99 from the intended arrival, 500,000 within 1 s", Unit: "ms", Goal: most(ByMeasured, 250), Bound: boundShared},
	{ID: "T6.second.undecided", What: "not decided of 500,000 within 1 s", Unit: "requests", Goal: most(ByMeasured, 0)},
	{ID: "T6.ten.p99", What: "p99 from the intended arrival, 5M within 10 s", Unit: "ms", Goal: most(ByMeasured, 250), Bound: boundShared},
	{ID: "T6.ten.undecided", What: "not decided of 5M within 10 s", Unit: "requests", Goal: most(ByMeasured, 0)},

	{ID: "T7.selling", What: "leader's CPU a forwarded request", Phase: selling, Unit: "µs", Goal: most(ByMeasured, 0.5), Bound: boundBatch},
	{ID: "T7.soldout", What: "leader's CPU a forwarded request", Phase: soldOut, Unit: "µs", Goal: most(ByMeasured, 0.5), Bound: boundBatch},

	{ID: "T8.selling", What: "requests", Phase: selling, Unit: "1/s", HigherIsBetter: true, FullOnly: true, Bound: boundHTTP},
	{ID: "T8.soldout", What: "requests", Phase: soldOut, Unit: "1/s", HigherIsBetter: true, FullOnly: true, Bound: boundHTTP},
	{ID: "T8.last", What: "requests in the last million", Phase: soldOut, Unit: "1/s", Against: "the first million", Goal: least(ByRatio, 1), FullOnly: true, Bound: boundHTTP},
	{ID: "T8.memory", What: "the leader's memory, at most", Unit: "MiB", Goal: most(ByMeasured, 1024), FullOnly: true},
	{ID: "T8.sold", What: "tickets sold or held, of 100,000", Unit: "tickets", Goal: least(ByMeasured, 100_000), FullOnly: true},

	{ID: "T9.restart", What: "restart after 10M decisions, until ready", Unit: "ms", Goal: most(ByMeasured, 2000)},
	{ID: "T9.failover", What: "kill -9 of the leader until the next decision, p99", Unit: "ms", Against: "etcd's default election timeout: 1 s", Goal: most(ByMeasured, 1000),
		Bound: "one election; the dead process is seen by its port"},
	{ID: "T9.lost", What: "orders that were told and are lost", Unit: "orders", Goal: most(ByMeasured, 0)},
}

const (
	boundFsync = "the disk's fsync; a preallocated file changes neither length nor blocks"
	boundBatch = "system calls and copies of each batch, shared by its requests"
)

// Define returns what a figure means.
func Define(id string) (Definition, bool) {
	for i := range definitions {
		if definitions[i].ID == id {
			d := definitions[i]
			if d.Goal != nil {
				d.HigherIsBetter = d.Goal.Least
			}
			return d, true
		}
	}
	return Definition{}, false
}

// DefinitionsOf returns what is measured of a target, in the order in which it is shown.
func DefinitionsOf(target string) []Definition {
	var found []Definition
	for i := range definitions {
		if targetOf(definitions[i].ID) == target {
			d, _ := Define(definitions[i].ID)
			found = append(found, d)
		}
	}
	return found
}

func targetOf(id string) string {
	target, _, _ := strings.Cut(id, ".")
	return target
}

// Find returns a figure that was measured.
func (d *Document) Find(id string) (*Figure, bool) {
	for i := range d.Steps {
		for j := range d.Steps[i].Figures {
			if f := &d.Steps[i].Figures[j]; f.ID == id {
				return f, true
			}
		}
	}
	return nil, false
}

// Step returns a step that ran.
func (d *Document) Step(id string) (*Step, bool) {
	for i := range d.Steps {
		if d.Steps[i].ID == id {
			return &d.Steps[i], true
		}
	}
	return nil, false
}

// Put puts a step in the place of its older run, or behind all others. A figure that
// another step had measured is its from now on.
func (d *Document) Put(step *Step) {
	for i := range d.Steps {
		d.Steps[i].Figures = slices.DeleteFunc(d.Steps[i].Figures, func(f Figure) bool {
			return d.Steps[i].ID != step.ID && slices.ContainsFunc(step.Figures, func(g Figure) bool { return g.ID == f.ID })
		})
	}
	if old, found := d.Step(step.ID); found {
		*old = *step
		return
	}
	d.Steps = append(d.Steps, *step)
}

// Failed returns the steps that did not get through.
func (d *Document) Failed() []string {
	var failed []string
	for i := range d.Steps {
		if d.Steps[i].Status != StatusDone {
			failed = append(failed, d.Steps[i].ID)
		}
	}
	return failed
}
