package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"onsale/api/contract"
)

// flooding is a run of an overload under way.
type flooding struct {
	*OverloadReport
	cluster *cluster
	first   uint64 // number before the next load's first buyer
}

// The sales: one with tickets for everybody, in which the pace is found, and the one that
// the flood is about.
const (
	paceSale  = "pace"
	floodSale = "flood"
)

// buyersBetween lie between the first buyers of two loads: more than any of them has.
const buyersBetween = 1 << 32

// run sells at the pace that is sustained, then at many times that, then at the pace again.
func (v *flooding) run(ctx context.Context) error {
	if _, _, err := v.cluster.createSale(ctx, contract.NewSale{ID: paceSale, Quantity: 1 << 30}); err != nil {
		return err
	}
	leader, seller, err := v.cluster.createSale(ctx, contract.NewSale{ID: floodSale, Quantity: v.Options.Tickets})
	if err != nil {
		return err
	}
	if err := v.sustain(ctx); err != nil {
		return err
	}
	v.MemoryBeforeBytes = memory(leader.process.PID())
	ended, err := v.flood(ctx, leader)
	if err != nil {
		return err
	}
	began, seconds, _, err := v.closed(ctx, v.Options.Recover)
	if err != nil {
		return err
	}
	v.recovered(began.Sub(ended), seconds)

	v.MemoryPeakBytes = memory(leader.process.PID())
	metrics, err := leader.metrics(ctx)
	if err != nil {
		return err
	}
	v.Overloaded = uint64(metrics["onsale_inbox_overloaded_total"])
	for _, sale := range []string{paceSale, floodSale} {
		detail, err := seller.Sale(ctx, sale)
		if err != nil {
			return err
		}
		v.Held += uint64(detail.Held)
	}
	return nil
}

// buyers returns a load of buyers who did not come before.
func (v *flooding) buyers(sale string, connections int, duration time.Duration) *load {
	l := &load{LoadOptions: LoadOptions{Secret: v.cluster.secret, Sale: sale, Quantity: 1, First: v.first, Requests: buyersBetween,
		Connections: connections, Duration: duration, Timeout: 30 * time.Second},
		tolerant: true, target: v.cluster.buyersAddress}
	v.first += buyersBetween
	return l
}

// closed runs a closed loop that the queue can hold, and returns when it began, its whole
// seconds and what was measured.
func (v *flooding) closed(ctx context.Context, duration time.Duration) (time.Time, []CourseRow, *PhaseReport, error) {
	l := v.buyers(paceSale, v.Options.SustainConnections, duration)
	m, err := l.run(ctx)
	if err != nil {
		return time.Time{}, nil, nil, err
	}
	p, rows := m.phases[0], m.seconds()
	v.Told += p.Outcomes["reserved"]
	v.note(p.Failures)
	if last := len(rows) - 1; last > 0 && rows[last].Seconds < 0.9 { // too short to be a rate
		rows = rows[:last]
	}
	return l.started, rows, p, nil
}

// sustain finds the rate that is sustained: the median second of a closed loop. The first
// one, in which connections and caches are new, does not count when there are others.
func (v *flooding) sustain(ctx context.Context) error {
	fmt.Fprintf(v.Options.Log, "looking for the sustained rate: %d connections for %v\n",
		v.Options.SustainConnections, v.Options.Sustain)
	_, seconds, p, err := v.closed(ctx, v.Options.Sustain)
	if err != nil {
		return err
	}
	if len(seconds) > 1 {
		seconds = seconds[1:]
	}
	var rates []float64
	for _, s := range seconds {
		rates = append(rates, s.Rate)
	}
	v.SustainedRate, v.SustainedMillis = Median(rates), millis(p.latency)
	if v.SustainedRate < 1 {
		return fmt.Errorf("%w: nothing was decided: %v", errUndecided, p.Failures)
	}
	return nil
}

// honestPatience is how long an honest buyer goes on trying, always with one key.
const honestPatience = time.Minute

// flood offers many times the sustained rate, and returns when nobody came any more.
func (v *flooding) flood(ctx context.Context, leader *node) (ended time.Time, err error) {
	o := &v.Options
	l, honest := v.buyers(floodSale, o.Connections, o.Over), v.buyers(floodSale, max(1, o.Honest), 0)
	l.Rate, l.flood, l.bots = max(1, int(o.Factor*v.SustainedRate)), true, uint64(o.Bots)
	// They press once each while the node is flooded, and come back as they are told. Latencies
	// run from the press, all retries included, to the decision.
	honest.Requests, honest.Rate = uint64(o.Honest), max(1, int(float64(o.Honest)/o.Over.Seconds()))
	honest.RetryMax, honest.Timeout, honest.patient = honestPatience, honestPatience, true
	fmt.Fprintf(o.Log, "sustained are %.0f a second; offering %d a second for %v over %d connections\n",
		v.SustainedRate, l.Rate, o.Over, o.Connections)

	before := usageOf([]int{leader.process.PID()})
	var m, beside *measured
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { beside, err = honest.run(ctx); return err })
	group.Go(func() (err error) { m, err = l.run(ctx); return err })
	if err := group.Wait(); err != nil {
		return time.Time{}, err
	}

	all := m.all().over(m.took())
	v.Wanted, v.OverSeconds = float64(l.Rate), o.Over.Seconds()
	v.Accepted, v.AcceptedRate, v.AcceptedMillis = uint64(all.Requests), all.Rate, all.Millis
	v.RefusedMillis, v.Unadvised = millis(m.refused), m.unadvised
	v.note(all.Failures)
	v.NotSent, v.Tickets = m.notSent, all.Outcomes["reserved"]
	v.Offered = float64(v.Accepted+all.Failed) / v.OverSeconds
	v.Honest = beside.all().over(beside.took())
	v.Told += v.Tickets + v.Honest.Outcomes["reserved"]

	after, each := usageOf([]int{leader.process.PID()}), 1e6/max(1, v.Offered*v.OverSeconds)
	v.LeaderMicrosecondsPerRequest = each * (after.servers - before.servers).Seconds()
	v.LoadMicrosecondsPerRequest = each * (after.load - before.load).Seconds()
	return l.started.Add(o.Over), nil
}
