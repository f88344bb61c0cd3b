package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"onsale/bench/result"
)

// WitnessOptions says how our load is held against two others: wrk in a closed loop and
// vegeta in an open one, in turn, at the same node.
type WitnessOptions struct {
	Program     string
	DataParent  string
	Wrk, Vegeta string // the programs; "" leaves one out
	Rounds      int
	Connections int
	Rate        int // arrivals a second of the open loop
	Duration    time.Duration
	Log         io.Writer
}

// DefaultWitnessOptions takes about two minutes.
func DefaultWitnessOptions() WitnessOptions {
	return WitnessOptions{Wrk: "wrk", Vegeta: "vegeta", Rounds: 3, Connections: 64, Rate: 2000, Duration: 5 * time.Second, Log: io.Discard}
}

// Validate returns ErrOptions when an option breaks its bound.
func (o *WitnessOptions) Validate() error {
	switch {
	case o.Rounds < 1 || o.Rounds > 100 || o.Connections < 1 || o.Connections > 1000 || o.Rate < 1 || o.Rate > 100_000:
		return fmt.Errorf("%w: 1 to 100 rounds, 1 to 1000 connections, 1 to 100000 arrivals a second", ErrOptions)
	case o.Duration < time.Second || o.Duration > time.Minute || o.Duration%time.Second != 0:
		return fmt.Errorf("%w: each run lasts %v; allowed are whole seconds, up to a minute", ErrOptions, o.Duration)
	case o.Wrk == "" && o.Vegeta == "":
		return fmt.Errorf("%w: no witness", ErrOptions)
	}
	return nil
}

// sighting is what a load generator says of one run; zeros where it does not tell.
type sighting struct {
	rate          float64 // answers a second
	p50, p99      float64 // milliseconds
	answers, fail uint64
}

// Witnessed is one number as both saw it: the medians of the rounds.
type Witnessed struct {
	Witness string  `json:"witness"`
	Loop    string  `json:"loop"`
	Phase   string  `json:"phase"`
	What    string  `json:"what"`
	Ours    float64 `json:"ours"`
	Theirs  float64 `json:"theirs"`
	Ratio   float64 `json:"ratio"` // the median of the rounds' ratios
}

// Within reports whether both saw the same, give or take a tenth.
func (w *Witnessed) Within() bool { return w.Ratio >= 0.9 && w.Ratio <= 1.1 }

// errWitness is returned when a witness saw requests fail or ran out of buyers.
var errWitness = errors.New("the witness was not heard")

// RunWitness measures in turn. It leaves no process behind.
func RunWitness(ctx context.Context, o WitnessOptions) ([]Witnessed, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	w := &courtroom{o: &o, secret: randomSecret(), next: 1}
	c, err := startCluster(ctx, o.Program, o.DataParent, 1, w.secret)
	if err != nil {
		return nil, err
	}
	w.cluster = c
	var found []Witnessed
	for _, witness := range []struct {
		name, loop, program string
		run                 func(ctx context.Context, sale string, rate int) (sighting, error)
		rate                int
	}{{"wrk", "closed", o.Wrk, w.wrk, 0}, {"vegeta", "open", o.Vegeta, w.vegeta, o.Rate}} {
		for _, phase := range []string{phaseSelling, phaseSoldOut} {
			if witness.program == "" || err != nil {
				continue
			}
			var more []Witnessed
			if more, err = w.compare(ctx, phase, witness.rate, witness.run); err != nil {
				err = fmt.Errorf("%s, %s: %w", witness.name, phase, err)
			}
			for i := range more {
				more[i].Witness, more[i].Loop, more[i].Phase = witness.name, witness.loop, phase
			}
			found = append(found, more...)
		}
	}
	return found, errors.Join(err, c.stop())
}

// courtroom is the node that both load, and whose buyers are used up.
type courtroom struct {
	o       *WitnessOptions
	cluster *cluster
	secret  []byte
	next    uint64 // number before the next run's first buyer
	fastest float64
}

// compare lets both load in turn; who begins changes from round to round. Each run has a
// sale of its own.
func (w *courtroom) compare(ctx context.Context, phase string, rate int, theirs func(context.Context, string, int) (sighting, error)) ([]Witnessed, error) {
	var seen [2][]sighting
	for round := range w.o.Rounds {
		for turn := range 2 {
			who := (round + turn) % 2
			sale, err := w.sale(ctx, phase)
			if err != nil {
				return nil, err
			}
			run := w.ours
			if who == 1 {
				run = theirs
			}
			s, err := run(ctx, sale, rate)
			if err != nil {
				return nil, err
			}
			if s.fail > 0 {
				return nil, fmt.Errorf("%w: %d of %d requests failed", errWitness, s.fail, s.answers)
			}
			seen[who] = append(seen[who], s)
			fmt.Fprintf(w.o.Log, "round %d, %s, %s: %.0f/s, p50 %.2f ms, p99 %.2f ms\n", round+1, phase, [2]string{"ours", "witness"}[who], s.rate, s.p50, s.p99)
		}
	}
	return judgeSightings(seen[0], seen[1]), nil
}

func judgeSightings(ours, theirs []sighting) (all []Witnessed) {
	for _, what := range []struct {
		name string
		pick func(*sighting) float64
	}{{"answers/s", func(s *sighting) float64 { return s.rate }}, {"p50 ms", func(s *sighting) float64 { return s.p50 }}, {"p99 ms", func(s *sighting) float64 { return s.p99 }}} {
		var a, b, ratios []float64
		for i := range ours {
			x, y := what.pick(&ours[i]), what.pick(&theirs[i])
			a, b, ratios = append(a, x), append(b, y), append(ratios, x/max(1e-9, y))
		}
		all = append(all, Witnessed{What: what.name, Ours: result.Median(a), Theirs: result.Median(b), Ratio: result.Median(ratios)})
	}
	return all
}

// sale opens one that stays in a phase for as long as a run lasts.
func (w *courtroom) sale(ctx context.Context, phase string) (string, error) {
	options := SaleOptions{Tickets: 1 << 29, RetryMax: 10 * time.Second}
	if phase == phaseSoldOut {
		options.Tickets = 1
	}
	id := "witness-" + strconv.FormatUint(w.next, 10)
	if _, _, err := options.createSale(ctx, w.cluster, id); err != nil {
		return "", fmt.Errorf("create sale: %w", err)
	}
	l := &load{secret: w.secret, sale: id, quantity: 1, first: w.take(1), buyers: 1, connections: 1, retryMax: 10 * time.Second, addresses: []string{w.address()}}
	_, err := l.run(ctx)
	return id, err
}

func (w *courtroom) address() string { return w.cluster.nodes[0].http }

// take returns the number before the first of so many new buyers.
func (w *courtroom) take(buyers uint64) uint64 {
	first := w.next
	w.next += buyers
	return first
}

func (w *courtroom) ours(ctx context.Context, sale string, rate int) (sighting, error) {
	o := DefaultLoadOptions()
	o.Addresses, o.Secret, o.Sale, o.Connections, o.Rate = []string{w.address()}, w.secret, sale, w.o.Connections, rate
	o.Duration, o.WarmUp, o.First = w.o.Duration, 0, w.take(1<<32)
	r, err := RunLoad(ctx, o)
	if err != nil {
		return sighting{}, err
	}
	p := &r.Selling
	if r.SoldOut.Requests > r.Selling.Requests {
		p = &r.SoldOut
	}
	w.fastest = max(w.fastest, p.Rate)
	return sighting{rate: p.Rate, p50: p.Millis["p50"], p99: p.Millis["p99"], answers: uint64(p.Requests), fail: r.Selling.Failed + r.SoldOut.Failed}, nil
}

// file makes a temporary file that is removed with the node's data.
func (w *courtroom) file(name string, write func(io.Writer) error) (string, error) {
	path := filepath.Join(w.cluster.dir, name)
	if err := os.RemoveAll(path); err != nil {
		return "", err
	}
	return path, writeFile(path, write)
}
