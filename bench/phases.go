package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// overload is a run under way.
type overload struct {
	options *OverloadOptions
	cluster *cluster
	secret  []byte
	report  *OverloadReport
	first   uint64 // number before the next load's first buyer
}

// The sales: one with tickets for everybody, in which the pace is found, and the one that
// the flood is about.
const (
	paceSale  = "pace"
	floodSale = "flood"
)

// overloadBuyers lie between the first buyers of two loads: more than any of them has.
const overloadBuyers = 1 << 32

// run sells at the pace that is sustained, then at many times that, then at the pace again.
func (v *overload) run(ctx context.Context) error {
	pace := SaleOptions{Tickets: 1 << 30, RetryMax: 10 * time.Second}
	flood := SaleOptions{Tickets: v.options.Tickets, RetryMax: 10 * time.Second}
	_, _, err := pace.createSale(ctx, v.cluster, paceSale)
	if err != nil {
		return fmt.Errorf("create the sale: %w", err)
	}
	leader, seller, err := flood.createSale(ctx, v.cluster, floodSale)
	if err != nil {
		return fmt.Errorf("create the sale: %w", err)
	}
	if err := v.sustain(ctx); err != nil {
		return err
	}
	v.report.MemoryBeforeBytes = memory(leader.process.PID())
	ended, err := v.flood(ctx, leader)
	if err != nil {
		return err
	}
	if err := v.recover(ctx, ended); err != nil {
		return err
	}
	v.report.MemoryPeakBytes = memory(leader.process.PID())
	metrics, err := leader.metrics(ctx)
	if err != nil {
		return err
	}
	v.report.Overloaded = uint64(metrics["onsale_inbox_overloaded_total"])
	if v.report.Replicas, err = v.cluster.converge(ctx); err != nil {
		return err
	}
	for _, sale := range []string{paceSale, floodSale} {
		detail, err := seller.Sale(ctx, sale)
		if err != nil {
			return err
		}
		v.report.Held += uint64(detail.Held)
	}
	return nil
}

// leaderAddress is where buys go.
func (v *overload) leaderAddress(ctx context.Context) (string, error) {
	n, err := v.cluster.leader(ctx)
	if err != nil {
		return "", err
	}
	return n.http, nil
}

// buyers returns a load of buyers who did not come before.
func (v *overload) buyers(sale string, connections int, duration time.Duration) *load {
	l := &load{secret: v.secret, sale: sale, quantity: 1, first: v.first, buyers: overloadBuyers, connections: connections,
		duration: duration, timeout: 30 * time.Second, tolerant: true, course: newCourse(duration), target: v.leaderAddress}
	v.first += overloadBuyers
	return l
}

// closed runs a closed loop that the queue can hold, and returns its seconds and what was
// measured.
func (v *overload) closed(ctx context.Context, duration time.Duration) (*load, *phase, []CourseRow, error) {
	l := v.buyers(paceSale, v.options.SustainConnections, duration)
	m, err := l.run(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	p := m.phases[0]
	v.told(p)
	v.report.note(p.failures)
	return l, p, wholeSecondsOf(l.course.report(m.elapsed[0] + m.elapsed[1])), nil
}

// told counts tickets that buyers were told of.
func (v *overload) told(p *phase) { v.report.Told += p.outcomes["reserved"] }

// sustain finds the rate that is sustained: the median second of a closed loop. The first
// one, in which connections and caches are new, does not count when there are others.
func (v *overload) sustain(ctx context.Context) error {
	fmt.Fprintf(v.options.Log, "looking for the sustained rate: %d connections for %v\n", v.options.SustainConnections, v.options.Sustain)
	_, p, seconds, err := v.closed(ctx, v.options.Sustain)
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
	v.report.SustainedRate = Median(rates)
	v.report.SustainedMillis = millis(p.latency)
	if v.report.SustainedRate < 1 {
		return fmt.Errorf("%w: nothing was decided: %v", errUndecided, p.failures)
	}
	return nil
}

// wholeSecondsOf leaves out a last row that is too short to be a rate.
func wholeSecondsOf(rows []CourseRow) []CourseRow {
	if last := len(rows) - 1; last > 0 && rows[last].Seconds < 0.9 {
		return rows[:last]
	}
	return rows
}

// refusals is what was told to who was not let in.
type refusals struct {
	mu        sync.Mutex
	unadvised uint64 // not told when to come back
	latency   *hdrhistogram.Histogram
}

func (r *refusals) note(answer *response, latency time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answer.retryAfter < time.Second {
		r.unadvised++
	}
	record(r.latency, latency)
}

// flood offers many times the sustained rate, and returns when nobody came any more.
func (v *overload) flood(ctx context.Context, leader *node) (ended time.Time, err error) {
	o, r := v.options, v.report
	l := v.buyers(floodSale, o.Connections, o.Over)
	l.rate, l.flood, l.bots = max(1, int(o.Factor*r.SustainedRate)), true, uint64(o.Bots)
	refused := &refusals{latency: hdrhistogram.New(1, latencyMax, 3)}
	l.onRefusal = refused.note
	fmt.Fprintf(o.Log, "sustained are %.0f a second; offering %d a second for %v over %d connections\n", r.SustainedRate, l.rate, o.Over, o.Connections)
	before := usageOf([]int{leader.process.PID()})
	beside := &honest{secret: v.secret, sale: floodSale, first: v.first, target: v.leaderAddress}
	v.first += overloadBuyers
	var pressing sync.WaitGroup
	pressing.Go(func() { r.Honest = *beside.press(ctx, o.Honest, o.Over) })
	m, err := l.run(ctx)
	pressing.Wait()
	if err != nil {
		return time.Now(), err
	}
	r.Told += r.Honest.Outcomes["reserved"]
	after := usageOf([]int{leader.process.PID()})
	p, took := newPhase(), m.elapsed[0]+m.elapsed[1]
	p.merge(m.phases[0])
	p.merge(m.phases[1])
	v.told(p)
	r.Wanted, r.OverSeconds = float64(l.rate), o.Over.Seconds()
	r.Accepted, r.AcceptedRate, r.AcceptedMillis = uint64(p.latency.TotalCount()), float64(p.latency.TotalCount())/took.Seconds(), millis(p.latency)
	r.RefusedMillis, r.Unadvised = millis(refused.latency), refused.unadvised
	r.note(p.failures)
	r.NotSent, r.Tickets = l.notSent.Load(), p.outcomes["reserved"]
	sent := float64(r.Accepted + p.failed())
	r.Offered = sent / o.Over.Seconds()
	each := 1e6 / max(1, sent)
	r.LeaderMicrosecondsPerRequest, r.LoadMicrosecondsPerRequest = each*(after.servers-before.servers).Seconds(), each*(after.load-before.load).Seconds()
	return l.started.Add(o.Over), nil
}

// recover measures how long after the flood full speed is back: the end of the first
// second of a closed loop that is about as fast as before.
func (v *overload) recover(ctx context.Context, ended time.Time) error {
	l, _, seconds, err := v.closed(ctx, v.options.Recover)
	if err != nil {
		return err
	}
	v.report.recovered(l.started.Sub(ended), seconds)
	return nil
}
