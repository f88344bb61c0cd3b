package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// CompareOptions says how shops are compared: in rounds, in each of which every
// shop is opened anew, one after the other, so that all see the same machine.
type CompareOptions struct {
	Rounds      int
	Buyers      uint64 // of the closed loop, each with a token and a key of their own; 0 leaves it out
	Tickets     uint32
	Connections int
	Rates       []int         // arrivals a second of the open loops
	Steady      time.Duration // how long each open loop lasts, once selling and once sold out; 0 leaves them out
	DataParent  string        // one disk for everybody's data
	RetryMax    time.Duration
	Log         io.Writer
}

// DefaultCompareOptions compares in about fifteen minutes on two cores.
func DefaultCompareOptions() CompareOptions {
	return CompareOptions{Rounds: 5, Buyers: 150_000, Tickets: 30_000, Connections: 512, Rates: []int{1000, 5000, 15_000},
		Steady: 2 * time.Second, RetryMax: time.Minute, Log: io.Discard}
}

// Validate returns ErrOptions when an option breaks its bound.
func (o *CompareOptions) Validate() error {
	switch {
	case o.Rounds < 1 || o.Rounds > 100:
		return fmt.Errorf("%w: %d rounds, allowed are 1 to 100", ErrOptions, o.Rounds)
	case o.Buyers > 0 && uint64(o.Tickets) >= o.Buyers || o.Buyers > 20_000_000 || o.Tickets < 1:
		return fmt.Errorf("%w: %d buyers and %d tickets; at most 20 million buyers, more than tickets, and at least one ticket", ErrOptions, o.Buyers, o.Tickets)
	case o.Connections < 1 || o.Connections > 20_000:
		return fmt.Errorf("%w: %d connections, allowed are 1 to 20000", ErrOptions, o.Connections)
	case o.Steady < 0 || o.Steady > time.Hour:
		return fmt.Errorf("%w: open loops of %v, allowed is up to an hour", ErrOptions, o.Steady)
	}
	for _, rate := range o.Rates {
		if rate < 1 || rate > 1_000_000 {
			return fmt.Errorf("%w: %d arrivals a second, allowed are 1 to 1000000", ErrOptions, rate)
		}
	}
	return nil
}

// Sales of a comparison, and where their buyers' numbers begin: nobody is in two,
// or the servers would know the tokens already.
const (
	saleWarm, salePeak, saleProof = "warm", "peak", "proof"
	firstWarm, firstSteady        = 1 << 40, 1 << 41
)

// Compare runs all rounds. What a shop sold wrongly is in the report and in the
// error; a shop that cannot be opened ends the comparison.
func Compare(ctx context.Context, o CompareOptions, shops []Shop) (*Comparison, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c := newComparison(&o, shops)
	var wrong []error
	for round := range o.Rounds {
		for turn := range shops { // who comes first changes from round to round
			i := (round + turn) % len(shops)
			fmt.Fprintf(o.Log, "round %d of %d: %s\n", round+1, o.Rounds, shops[i].Name)
			visit := &visit{o: &o, shop: &shops[i]}
			result, err := visit.run(ctx)
			if result == nil || ctx.Err() != nil {
				return nil, fmt.Errorf("%s: %w", shops[i].Name, errors.Join(err, ctx.Err()))
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", shops[i].Name, err))
				result.Wrong = err.Error()
			}
			c.Contestants[i].Rounds = append(c.Contestants[i].Rounds, *result)
		}
	}
	for i := range c.Contestants {
		c.Contestants[i].conclude()
	}
	return c, errors.Join(wrong...)
}

// visit is one shop in one round.
type visit struct {
	o      *CompareOptions
	shop   *Shop
	secret []byte
	stand  Stand
}

// steadySale names the sale of an open loop. The sold out ones have one ticket.
func steadySale(rate int, phase string) string { return fmt.Sprintf("steady-%d-%s", rate, phase) }

func (v *visit) sales() []ShopSale {
	sales := []ShopSale{{saleWarm, uint32(v.o.Connections)}, {saleProof, ProofTickets}, {salePeak, v.o.Tickets}}
	for _, rate := range v.o.Rates {
		sales = append(sales, ShopSale{steadySale(rate, phaseSelling), uint32(float64(rate)*v.o.Steady.Seconds()) + 1}, ShopSale{steadySale(rate, phaseSoldOut), 1})
	}
	return sales
}

// run returns no result when the shop could not be measured.
func (v *visit) run(ctx context.Context) (*Round, error) {
	v.secret = randomSecret()
	var err error
	if v.stand, err = v.shop.Open(ctx, &ShopOptions{DataParent: v.o.DataParent, Secret: v.secret, Sales: v.sales()}); err != nil {
		return nil, err
	}
	result, wrong, err := v.measure(ctx)
	if err != nil {
		return nil, errors.Join(err, v.stand.Close())
	}
	return result, errors.Join(wrong, v.stand.Close())
}

// measure returns apart what was sold wrongly, and why it could not measure.
func (v *visit) measure(ctx context.Context) (r *Round, wrong, err error) {
	warm := v.load(saleWarm, firstWarm, uint64(4*v.o.Connections))
	if _, err := warm.run(ctx); err != nil {
		return nil, nil, fmt.Errorf("warm-up: %w", err)
	}
	if !v.shop.Ceiling {
		wrong = Prove(ctx, v.stand, v.secret, saleProof)
	}
	r = &Round{}
	if v.o.Buyers > 0 {
		wrongPeak, err := v.peak(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		wrong = errors.Join(wrong, wrongPeak)
	}
	return r, wrong, v.steady(ctx, r)
}

func (v *visit) load(sale string, first, buyers uint64) *load {
	return &load{secret: v.secret, sale: sale, quantity: 1, first: first, buyers: buyers, connections: v.o.Connections, retryMax: v.o.RetryMax, target: v.stand.Address}
}

// peak is the closed loop.
func (v *visit) peak(ctx context.Context, r *Round) (wrong, err error) {
	l := v.load(salePeak, 0, v.o.Buyers)
	l.remember = true
	processes := v.stand.Processes()
	var before, middle usage
	l.onStart = func() { before = usageOf(processes); middle = before }
	l.onSoldOut = func() { middle = usageOf(processes) }
	m, err := l.run(ctx)
	if err != nil {
		return nil, err
	}
	after := usageOf(processes)
	r.Selling, r.SoldOut = newPhaseCost(m, 0, before, middle), newPhaseCost(m, 1, middle, after)
	r.Order = m.history.order()
	if v.shop.Ceiling {
		r.Order = OrderReport{}
		return nil, nil
	}
	if r.Books, err = v.stand.Books(ctx, salePeak); err != nil {
		return nil, err
	}
	if !r.Order.Kept() {
		wrong = fmt.Errorf("%w: order %+v", errNotSold, r.Order)
	}
	told := m.phases[0].outcomes["reserved"] + m.phases[1].outcomes["reserved"]
	if told != uint64(v.o.Tickets) {
		wrong = errors.Join(wrong, fmt.Errorf("%w: %d reservations were told, %d tickets were for sale", errNotSold, told, v.o.Tickets))
	}
	return errors.Join(wrong, r.Books.exact(uint64(v.o.Tickets), told)), nil
}

// steady is the open loops, at each rate while selling and when sold out.
func (v *visit) steady(ctx context.Context, r *Round) error {
	if v.o.Steady == 0 {
		return nil
	}
	first := uint64(firstSteady)
	for _, rate := range v.o.Rates {
		for _, phase := range []string{phaseSelling, phaseSoldOut} {
			sale := steadySale(rate, phase)
			if phase == phaseSoldOut {
				if _, err := v.load(sale, first, 1).run(ctx); err != nil {
					return err
				}
				first++
			}
			l := v.load(sale, first, uint64(float64(rate)*v.o.Steady.Seconds()))
			l.rate, l.retryMax, l.timeout, l.tolerant = rate, 0, 5*time.Second, true
			before := usageOf(v.stand.Processes())
			m, err := l.run(ctx)
			if err != nil {
				return err
			}
			r.Steady = append(r.Steady, newSteadyReport(l, phase, m, before, usageOf(v.stand.Processes())))
			first += l.buyers
		}
	}
	return nil
}
