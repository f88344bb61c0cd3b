package capacity

import (
	"errors"
	"fmt"
	"math"
)

// ErrLoad is returned when what is to be planned for is out of bounds.
var ErrLoad = errors.New("no load to plan for")

// Load is what is planned for.
type Load struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	Requests          float64 `json:"requests"` // in all
	Tickets           float64 `json:"tickets"`
	Waitlist          float64 `json:"waitlist"` // orders that wait
	Replicas          int     `json:"replicas"`
	// Utilisation is which part of a core may be used, 0 to 1.
	Utilisation float64 `json:"utilisation"`
}

// Validate returns ErrLoad when something is out of bounds.
func (l *Load) Validate() error {
	switch {
	case !(l.RequestsPerSecond >= 1 && l.RequestsPerSecond <= 1e9 && l.Requests >= l.RequestsPerSecond && l.Requests <= 1e12):
		return fmt.Errorf("%w: %g requests at %g a second; allowed are 1 to 1e9 a second and a second's at least, 1e12 at most", ErrLoad, l.Requests, l.RequestsPerSecond)
	case !(l.Tickets >= 1 && l.Tickets <= l.Requests && l.Waitlist >= 0 && l.Waitlist+l.Tickets <= l.Requests):
		return fmt.Errorf("%w: %g tickets and %g who wait, of %g requests", ErrLoad, l.Tickets, l.Waitlist, l.Requests)
	case l.Replicas < 1 || l.Replicas > 9 || !(l.Utilisation > 0 && l.Utilisation <= 1):
		return fmt.Errorf("%w: %d replicas at %g of a core; allowed are 1 to 9, and up to 1", ErrLoad, l.Replicas, l.Utilisation)
	}
	return nil
}

// Need is one line of a plan.
type Need struct {
	What string `json:"what"`
	// Value is meaningless when an input was not measured.
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Known bool    `json:"known"`
	// From is how it was computed, with the numbers.
	From string `json:"from"`
	// Beyond says that the load is more than what was measured, so that a line holds only
	// if costs stay what they are.
	Beyond bool `json:"extrapolated"`
}

// Plan computes what a load takes.
func Plan(in *Input, l Load) ([]Need, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	leader := dearer(in.LeaderSelling, in.LeaderSoldOut)
	beyond := l.RequestsPerSecond > measuredRate || l.Requests > measuredRequests
	orders := l.Tickets + l.Waitlist
	needs := []Need{
		cores("front-ends, cores in all", in.FrontEnd, l),
		cores("leader, cores", leader, l),
		limit("part of one leader's limit, sold out", in.CommitSoldOut, l),
		limit("part of one leader's limit, selling", in.CommitSelling, l),
		{What: "orders are made for, then it is sold out", Value: orders / l.RequestsPerSecond, Unit: "s", Known: true, From: fmt.Sprintf("%s tickets and places in the waitlist / %s", si(orders), perSecond(l))},
		clusters(in.CommitSoldOut, l),
		memory(in, l),
		times("journal, disk of each replica", in.Journal, l.Requests, 1e9, "GB", si(l.Requests)+" requests"),
		times("journal, written by each replica", in.Journal, l.RequestsPerSecond, 1e6, "MB/s", perSecond(l)),
		times("raft log, written by each replica", in.Log, l.RequestsPerSecond, 1e6, "MB/s", perSecond(l)),
		times("network into the leader", in.Log, l.RequestsPerSecond, 1e6/8, "Mbit/s", perSecond(l)),
		times(fmt.Sprintf("network from the leader to %d replicas", l.Replicas-1), in.Log, l.RequestsPerSecond*float64(l.Replicas-1), 1e6/8, "Mbit/s", perSecond(l)),
		times("audit of the whole journal, one core", in.Audit, l.Requests, 1e9, "s", si(l.Requests)+" requests"),
	}
	for i := range needs {
		needs[i].Beyond = beyond
	}
	return needs, nil
}

// measuredRate is the most requests a second that a rush of the suite sends (T6),
// measuredRequests the most that a sale of it has (T8).
const (
	measuredRate     = 500_000
	measuredRequests = 10_000_000
)

// dearer is the more expensive of two, when both are known.
func dearer(a, b Measured) Measured {
	if !a.Known || b.Known && b.Value > a.Value {
		return b
	}
	return a
}

func cores(what string, each Measured, l Load) Need {
	return Need{What: what, Value: l.RequestsPerSecond * each.Value / 1e6 / l.Utilisation, Unit: "cores", Known: each.Known,
		From: fmt.Sprintf("%s x %s / %.0f %% of a core", perSecond(l), spell(each), 100*l.Utilisation)}
}

func limit(what string, commit Measured, l Load) Need {
	return Need{What: what, Value: 100 * l.RequestsPerSecond / math.Max(1, commit.Value), Unit: "%", Known: commit.Known && commit.Value > 0,
		From: fmt.Sprintf("%s / %s", perSecond(l), spell(commit))}
}

// clusters are needed when no leader is to be loaded beyond the utilisation. They help
// only when the load is of several sales: one sale has one line.
func clusters(commit Measured, l Load) Need {
	return Need{What: "clusters, when it is several sales'", Value: math.Ceil(l.RequestsPerSecond / math.Max(1, commit.Value*l.Utilisation)), Unit: "",
		Known: commit.Known && commit.Value > 0, From: fmt.Sprintf("%s / (%s x %.0f %%), rounded up", perSecond(l), spell(commit), 100*l.Utilisation)}
}

func memory(in *Input, l Load) Need {
	return Need{What: "state in each replica's memory", Value: (l.Tickets*in.Order.Value + l.Waitlist*in.Waiting.Value + in.Refusals.Value) / 1e6, Unit: "MB",
		Known: in.Order.Known && in.Waiting.Known && in.Refusals.Known,
		From:  fmt.Sprintf("%s tickets x %s + %s waiting x %s + %s of refusals' keys", si(l.Tickets), spell(in.Order), si(l.Waitlist), spell(in.Waiting), spell(in.Refusals))}
}

// times multiplies, and divides by how many of the measured unit one of the shown is.
func times(what string, each Measured, count, divisor float64, unit, of string) Need {
	return Need{What: what, Value: each.Value * count / divisor, Unit: unit, Known: each.Known, From: fmt.Sprintf("%s x %s", of, spell(each))}
}

func perSecond(l Load) string { return si(l.RequestsPerSecond) + "/s" }

// spell writes a measured number with its unit.
func spell(m Measured) string {
	switch {
	case !m.Known:
		return "(not measured: " + m.Source + ")"
	case m.Unit == "1/s":
		return si(m.Value) + "/s"
	case m.Unit == "bytes":
		return si(m.Value) + "B"
	}
	return plain(m.Value) + " " + m.Unit
}

// plain writes three digits, and no exponent.
func plain(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// si writes a number with a thousand's prefix.
func si(v float64) string {
	for _, p := range []struct {
		least float64
		name  string
	}{{1e9, " G"}, {1e6, " M"}, {1e3, " k"}} {
		if v >= p.least {
			return fmt.Sprintf("%.4g%s", v/p.least, p.name)
		}
	}
	return fmt.Sprintf("%.4g ", v)
}
