package capacity

import (
	"fmt"

	"onsale/bench/growth"
	"onsale/bench/result"
)

// Measured is one number that plans are made from.
type Measured struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Source string  `json:"source"` // figure or curve, and at which size
	Known  bool    `json:"known"`
}

// Input is everything that plans are made from.
type Input struct {
	Machine string `json:"machine"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
	// Load is the machine's load averages before and after, other work included.
	Load string `json:"load"`

	// FrontEnd is the CPU time of a request over HTTP, token and limits included. It is
	// that of a whole node, which also decides: a front-end takes less.
	FrontEnd Measured `json:"front_end"`
	// Leader is the leader's CPU time of a request that a front-end forwarded.
	LeaderSelling Measured `json:"leader_selling"`
	LeaderSoldOut Measured `json:"leader_sold_out"`
	// Commit is how many requests a second one process takes from its inbox to the answer.
	CommitSelling Measured `json:"commit_selling"`
	CommitSoldOut Measured `json:"commit_sold_out"`
	Sync          Measured `json:"lone_commit"`
	Order         Measured `json:"order_bytes"`
	Waiting       Measured `json:"waiting_order_bytes"`
	Refusals      Measured `json:"refusals_bytes"` // the most that their keys take
	Journal       Measured `json:"journal_bytes"`  // of a decision
	Log           Measured `json:"log_bytes"`      // of a request
	Audit         Measured `json:"audit_ns"`       // of a decision
	Restart       Measured `json:"restart"`
}

// InputOf picks the numbers out of a document.
func InputOf(d *result.Document) Input {
	in := Input{Machine: fmt.Sprintf("%d cores of %s", d.Machine.Cores, d.Machine.CPU), Commit: d.Source.String(), Date: d.Started.Format("2006-01-02"),
		Load:          fmt.Sprintf("%.4g before, %.4g after", d.LoadBefore[0], d.LoadAfter[0]),
		LeaderSelling: figure(d, "leader's CPU a request, selling", "T7.selling"), LeaderSoldOut: figure(d, "leader's CPU a request, sold out", "T7.soldout"),
		CommitSelling: figure(d, "commit path of one process, selling", "T2.one.selling"), CommitSoldOut: figure(d, "commit path of one process, sold out", "T2.one.soldout"),
		Sync: figure(d, "a lone commit on three nodes", "T2.lone.three"), Restart: figure(d, "restart after 10 million decisions", "T9.restart"),
		FrontEnd: frontEnd(d)}
	in.Order = largest(d, "memory of an order", "bytes", growth.MemoryByHolders, "an order", false)
	in.Waiting = largest(d, "memory of a waiting order", "bytes", growth.MemoryByWaiting, "an order", false)
	in.Refusals = largest(d, "memory of all refusals' keys", "bytes", growth.MemoryByBuyers, "state", false)
	in.Journal = largest(d, "journal of a decision", "bytes", growth.BytesByJournal, "journal", true)
	in.Log = largest(d, "raft log of a request", "bytes", growth.BytesByJournal, "raft log written", true)
	in.Audit = largest(d, "audit of a decision", "ns", growth.TimeByJournal, "audit", true)
	in.Audit.Value *= 1e9
	in.Journal, in.Log = keyed(in.Journal), keyed(in.Log)
	if !in.LeaderSelling.Known && !in.LeaderSoldOut.Known {
		in.LeaderSoldOut = largest(d, in.LeaderSoldOut.Name, "µs", growth.LeaderByFrontEnds, "leader", false) // of three replicas, all of it
	}
	return in
}

// keyBytes is what the digest of an idempotency key takes in a command (sequencer,
// BatchHeaderBytes). Buyers over HTTP send a key, the rush that is measured sends none.
const keyBytes = 16

func keyed(m Measured) Measured {
	m.Value += keyBytes
	m.Source += fmt.Sprintf(", and %d of the key that its buys lack", keyBytes)
	return m
}

// All returns every input, in the order in which they are shown.
func (in *Input) All() []*Measured {
	return []*Measured{&in.FrontEnd, &in.LeaderSelling, &in.LeaderSoldOut, &in.CommitSelling, &in.CommitSoldOut, &in.Sync, &in.Order, &in.Waiting, &in.Refusals,
		&in.Journal, &in.Log, &in.Audit, &in.Restart}
}

func figure(d *result.Document, name, id string) Measured {
	definition, _ := result.Define(id)
	m := Measured{Name: name, Unit: definition.Unit, Source: id}
	if f, found := d.Find(id); found && f.Error == "" {
		m.Value, m.Known = f.Measured, true
	}
	return m
}

// frontEnd is the dearer of both phases.
func frontEnd(d *result.Document) Measured {
	m := Measured{Name: "CPU of a request over HTTP", Unit: "µs", Source: "T5, servers' CPU of onsale on one node"}
	for i := range d.Steps {
		for _, p := range d.Steps[i].Peers {
			if p.Name == "onsale" && p.Nodes == 1 {
				m.Value, m.Known = max(p.Selling.ServerMicroseconds, p.SoldOut.ServerMicroseconds), true
			}
		}
	}
	return m
}

// largest is a series at its largest size, for each of its x when it is asked for.
func largest(d *result.Document, name, unit, curve, series string, each bool) Measured {
	source := fmt.Sprintf("growth, %q, %s", curve, series)
	m := Measured{Name: name, Unit: unit, Source: source}
	for i := range d.Steps {
		for _, c := range d.Steps[i].Curves {
			for _, s := range c.Series {
				if c.Name != curve || s.Name != series || len(s.Points) == 0 {
					continue
				}
				last := s.Points[len(s.Points)-1]
				m.Value, m.Known = last.Y, true
				m.Source = fmt.Sprintf("%s at %.0f", source, last.X)
				if each {
					m.Value /= last.X
				}
			}
		}
	}
	return m
}
