package bench

import (
	"slices"
	"time"
)

// The two phases of a sale, always apart.
const (
	phaseSelling = "selling"
	phaseSoldOut = "sold_out"
)

// Comparison is what all rounds came to.
type Comparison struct {
	Machine     string       `json:"machine"`
	Started     time.Time    `json:"started"`
	Rounds      int          `json:"rounds"`
	Buyers      uint64       `json:"buyers"`
	Tickets     uint32       `json:"tickets"`
	Connections int          `json:"connections"`
	Contestants []Contestant `json:"contestants"`
}

// Contestant is one shop.
type Contestant struct {
	Name       string  `json:"name"`
	Nodes      int     `json:"nodes"`
	Durability string  `json:"durability"`
	Ceiling    bool    `json:"ceiling"` // answers constants: no order and no books to check
	Rounds     []Round `json:"rounds"`

	// Medians of the rounds.
	Selling PhaseCost      `json:"selling"`
	SoldOut PhaseCost      `json:"sold_out"`
	Steady  []SteadyReport `json:"steady"`
}

// Round is one shop in one round.
type Round struct {
	Selling PhaseCost      `json:"selling"`
	SoldOut PhaseCost      `json:"sold_out"`
	Steady  []SteadyReport `json:"steady"`
	Order   OrderReport    `json:"order"`
	Books   Books          `json:"books"`
	Wrong   string         `json:"wrong,omitempty"` // how it broke a promise; "" when it kept all
}

// PhaseCost is a phase of the closed loop with its CPU time.
type PhaseCost struct {
	PhaseReport
	// ServerMicroseconds is of all server processes together.
	ServerMicroseconds float64 `json:"servers_cpu_us_per_request"`
	LoadMicroseconds   float64 `json:"load_cpu_us_per_request"`
}

func newPhaseCost(m *measured, phase int, before, after usage) PhaseCost {
	report := phaseReport(m.phases[phase], m.elapsed[phase])
	each := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(max(1, report.Requests)) }
	return PhaseCost{PhaseReport: report, ServerMicroseconds: each(after.servers - before.servers), LoadMicroseconds: each(after.load - before.load)}
}

// SteadyReport is an open loop. Latencies run from the intended arrival.
type SteadyReport struct {
	Phase              string             `json:"phase"`
	Rate               int                `json:"arrivals_per_second"`
	Requests           uint64             `json:"requests"`
	Answered           uint64             `json:"answered"`   // by a decision
	Unanswered         uint64             `json:"unanswered"` // within 5 s after the last arrival, or by no decision
	Outcomes           map[string]uint64  `json:"outcomes"`
	Millis             map[string]float64 `json:"latency_ms"` // of the answered
	ServerMicroseconds float64            `json:"servers_cpu_us_per_request"`
}

func newSteadyReport(l *load, name string, m *measured, before, after usage) SteadyReport {
	all := newPhase() // the sale is of one phase but for its last ticket
	all.merge(m.phases[0])
	all.merge(m.phases[1])
	decided := uint64(all.latency.TotalCount())
	return SteadyReport{Phase: name, Rate: l.rate, Requests: l.buyers, Answered: decided, Unanswered: all.failed(), Outcomes: all.outcomes,
		Millis: millis(all.latency), ServerMicroseconds: (after.servers - before.servers).Seconds() * 1e6 / float64(max(1, decided))}
}

func newComparison(o *CompareOptions, shops []Shop) *Comparison {
	c := &Comparison{Machine: machine(), Started: time.Now().UTC(), Rounds: o.Rounds, Buyers: o.Buyers, Tickets: o.Tickets, Connections: o.Connections}
	for i := range shops {
		c.Contestants = append(c.Contestants, Contestant{Name: shops[i].Name, Nodes: shops[i].Nodes, Durability: shops[i].Durability, Ceiling: shops[i].Ceiling})
	}
	return c
}

// conclude computes the medians of the rounds.
func (t *Contestant) conclude() {
	t.Selling = medianCost(t.Rounds, func(r *Round) *PhaseCost { return &r.Selling })
	t.SoldOut = medianCost(t.Rounds, func(r *Round) *PhaseCost { return &r.SoldOut })
	for i := range t.Rounds[0].Steady {
		s := t.Rounds[0].Steady[i]
		of := func(pick func(*SteadyReport) float64) float64 {
			return medianRound(t.Rounds, func(r *Round) float64 { return pick(&r.Steady[i]) })
		}
		s.Millis = map[string]float64{}
		for _, p := range percentiles {
			s.Millis[p.name] = of(func(s *SteadyReport) float64 { return s.Millis[p.name] })
		}
		s.Answered = uint64(of(func(s *SteadyReport) float64 { return float64(s.Answered) }))
		s.Unanswered = uint64(of(func(s *SteadyReport) float64 { return float64(s.Unanswered) }))
		s.ServerMicroseconds = of(func(s *SteadyReport) float64 { return s.ServerMicroseconds })
		t.Steady = append(t.Steady, s)
	}
}

func medianCost(rounds []Round, phase func(*Round) *PhaseCost) PhaseCost {
	of := func(pick func(*PhaseCost) float64) float64 {
		return medianRound(rounds, func(r *Round) float64 { return pick(phase(r)) })
	}
	c := PhaseCost{PhaseReport: PhaseReport{Millis: map[string]float64{}}}
	c.Seconds = of(func(p *PhaseCost) float64 { return p.Seconds })
	c.Requests = int64(of(func(p *PhaseCost) float64 { return float64(p.Requests) }))
	c.Rate = of(func(p *PhaseCost) float64 { return p.Rate })
	c.ServerMicroseconds = of(func(p *PhaseCost) float64 { return p.ServerMicroseconds })
	c.LoadMicroseconds = of(func(p *PhaseCost) float64 { return p.LoadMicroseconds })
	for _, q := range percentiles {
		c.Millis[q.name] = of(func(p *PhaseCost) float64 { return p.Millis[q.name] })
	}
	return c
}

// medianRound returns the middle value of some rounds.
func medianRound(rounds []Round, pick func(*Round) float64) float64 {
	var values []float64
	for i := range rounds {
		values = append(values, pick(&rounds[i]))
	}
	return Median(values)
}

// Median returns the middle value, the mean of the middle two of an even number.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
