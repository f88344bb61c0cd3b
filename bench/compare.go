package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// CompareOptions says how shops are compared: in rounds, in each of which every
// shop is opened anew, one after the other, so that all see the same machine.
type CompareOptions struct {
	Rounds      int
	Buyers      uint64 // of the closed loop, each with a token and a key of their own; 0 leaves it out
	Tickets     uint   // fewer than buyers
	Connections int
	Rates       []int         // arrivals a second of the open loops
	Steady      time.Duration // how long each open loop lasts
	DataParent  string        // one disk for everybody's data
	Log         io.Writer
}

// DefaultCompareOptions compares in about fifteen minutes on two cores.
func DefaultCompareOptions() CompareOptions {
	return CompareOptions{Rounds: 5, Buyers: 150_000, Tickets: 30_000, Connections: 512, Steady: 2 * time.Second,
		Log: io.Discard}
}

// Contestant is one shop and what it came to.
type Contestant struct {
	Name   string  `json:"name"`
	Rounds []Round `json:"rounds"`
}

// Round is one shop in one round: figures by their unit, by the part of the round that they
// are of. Parts are "phase=selling" and "phase=sold_out" of the closed loop, and with
// "/rate=1000" behind that those of an open one. The servers' CPU is of all their processes
// together, and a request.
type Round map[string]map[string]float64

// PartOf names a part of a round; rate is 0 for the closed loop.
func PartOf(phase string, rate int) string {
	if rate == 0 {
		return "phase=" + phase
	}
	return fmt.Sprintf("phase=%s/rate=%d", phase, rate)
}

// The units of a round.
const (
	UnitRate       = "requests/s"
	UnitP50        = "p50-ms"
	UnitP99        = "p99-ms"
	UnitServersCPU = "servers-CPU-µs"
	UnitLoadCPU    = "load-CPU-µs"
	UnitUnanswered = "unanswered" // of an open loop: within 5 s after the last arrival, or by no decision
)

func figuresOf(p *PhaseReport, elapsed time.Duration, before, after usage) map[string]float64 {
	report := p.over(elapsed)
	each := 1e6 / float64(max(1, report.Requests))
	return map[string]float64{UnitRate: report.Rate, UnitP50: report.Millis["p50"], UnitP99: report.Millis["p99"],
		UnitServersCPU: each * (after.servers - before.servers).Seconds(),
		UnitLoadCPU:    each * (after.load - before.load).Seconds(), UnitUnanswered: float64(report.Failed)}
}

// Median returns the middle value, the mean of the middle two of an even number.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// Sales of a comparison, and where their buyers' numbers begin: nobody is in two,
// or the servers would know the tokens already.
const (
	saleWarm, salePeak     = "warm", "peak"
	firstWarm, firstSteady = 1 << 40, 1 << 41
)

// Compare runs all rounds. What a shop sold wrongly is in the error, beside the contestants;
// a shop that cannot be measured ends the comparison, without them.
func Compare(ctx context.Context, o CompareOptions, shops []Shop) ([]Contestant, error) {
	if o.Rounds < 1 || o.Buyers > 0 && uint64(o.Tickets) >= o.Buyers || o.Tickets < 1 || o.Connections < 1 {
		return nil, fmt.Errorf("%w: at least one round, one connection and one ticket, and more buyers", ErrOptions)
	}
	all := make([]Contestant, len(shops))
	var wrong []error
	for round := range o.Rounds {
		for turn := range shops { // who comes first changes from round to round
			i := (round + turn) % len(shops)
			all[i].Name = shops[i].Name
			fmt.Fprintf(o.Log, "round %d of %d: %s\n", round+1, o.Rounds, shops[i].Name)
			visit := &visit{o: &o, shop: &shops[i], round: Round{}}
			isMeasured, err := visit.run(ctx)
			if err != nil {
				err = fmt.Errorf("%s: %w", shops[i].Name, err)
			}
			if !isMeasured || ctx.Err() != nil {
				return nil, errors.Join(err, ctx.Err())
			}
			wrong = append(wrong, err)
			all[i].Rounds = append(all[i].Rounds, visit.round)
		}
	}
	return all, errors.Join(wrong...)
}

// visit is one shop in one round.
type visit struct {
	o      *CompareOptions
	shop   *Shop
	secret []byte
	stand  Stand
	round  Round
	wrong  error // what was sold wrongly
}

// steadySale names the sale of an open loop.
func steadySale(rate int) string { return fmt.Sprintf("steady-%d", rate) }

func (v *visit) sales() []ShopSale {
	sales := []ShopSale{{saleWarm, uint32(v.o.Connections)}, {salePeak, uint32(v.o.Tickets)}}
	for _, rate := range v.o.Rates {
		sales = append(sales, ShopSale{steadySale(rate), uint32(float64(rate)*v.o.Steady.Seconds()) + 1})
	}
	return sales
}

// run reports whether the shop was measured; what it sold wrongly is an error all the same.
func (v *visit) run(ctx context.Context) (isMeasured bool, err error) {
	v.secret = randomSecret()
	options := &ShopOptions{DataParent: v.o.DataParent, Secret: v.secret, Sales: v.sales()}
	if v.stand, err = v.shop.Open(ctx, options); err != nil {
		return false, err
	}
	err = v.measure(ctx)
	return err == nil, errors.Join(err, v.wrong, v.stand.Close())
}

func (v *visit) measure(ctx context.Context) error {
	if _, err := v.load(saleWarm, firstWarm, uint64(4*v.o.Connections)).run(ctx); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	if v.o.Buyers > 0 {
		if err := v.peak(ctx); err != nil {
			return err
		}
	}
	for i, rate := range v.o.Rates {
		if err := v.steady(ctx, rate, firstSteady+uint64(i)<<32); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) load(sale string, first, buyers uint64) *load {
	return &load{LoadOptions: LoadOptions{Secret: v.secret, Sale: sale, Quantity: 1, First: first, Requests: buyers,
		Connections: v.o.Connections, RetryMax: time.Minute}, target: v.stand.Address}
}

// peak is the closed loop. What buyers were told is compared with the books.
func (v *visit) peak(ctx context.Context) error {
	l := v.load(salePeak, 0, v.o.Buyers)
	processes := v.stand.Processes()
	var before, middle usage
	l.onStart = func() { before = usageOf(processes); middle = before }
	l.onSoldOut = func() { middle = usageOf(processes) }
	m, err := l.run(ctx)
	if err != nil {
		return err
	}
	v.round[PartOf(phaseSelling, 0)] = figuresOf(m.phases[0], m.elapsed[0], before, middle)
	v.round[PartOf(phaseSoldOut, 0)] = figuresOf(m.phases[1], m.elapsed[1], middle, usageOf(processes))
	if v.shop.Ceiling {
		return nil
	}

	books, err := v.stand.Books(ctx, salePeak)
	if err != nil {
		return err
	}
	v.wrong = books.Exact(uint64(v.o.Tickets), m.all().Outcomes["reserved"])
	return nil
}

// steady is an open loop at a rate, while selling.
func (v *visit) steady(ctx context.Context, rate int, first uint64) error {
	l := v.load(steadySale(rate), first, uint64(float64(rate)*v.o.Steady.Seconds()))
	l.Rate, l.RetryMax, l.Timeout, l.tolerant = rate, 0, 5*time.Second, true
	before := usageOf(v.stand.Processes())
	m, err := l.run(ctx)
	if err != nil {
		return err
	}
	v.round[PartOf(phaseSelling, rate)] = figuresOf(m.all(), m.took(), before, usageOf(v.stand.Processes()))
	return nil
}
