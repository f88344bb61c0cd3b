package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// load is a closed loop: each connection sends the next buyer's request when the
// last one was answered. It finds the peak; its latencies are those of a crowd
// that waits its turn.
type load struct {
	secret      []byte
	sale        string
	quantity    int
	first       uint64 // the buyers are first+1 to first+buyers
	buyers      uint64
	connections int
	// target returns the address that takes requests now; it is asked again
	// after an error.
	target func(context.Context) (string, error)
	// retryMax bounds how long a buyer goes on trying.
	retryMax time.Duration
	// remember keeps what each buyer was told, to check the order afterwards.
	remember bool
	// onSoldOut is called once, by the worker that saw the first refusal; nil for nobody.
	onSoldOut func()
	// parts tells how fast requests were answered, part by part; nil for nobody.
	parts *parts

	next     atomic.Uint64 // buyers that were begun
	answered atomic.Uint64
	soldOut  atomic.Int64 // when the first refusal was seen, in nanoseconds since start; 0 before
	started  time.Time
}

// phase is what was measured before or after the first "sold out".
type phase struct {
	latency  *hdrhistogram.Histogram // microseconds
	outcomes map[string]uint64
	retries  uint64
}

func newPhase() *phase {
	return &phase{latency: hdrhistogram.New(1, 120_000_000, 3), outcomes: map[string]uint64{}}
}

func (p *phase) merge(q *phase) {
	p.latency.Merge(q.latency)
	p.retries += q.retries
	for name, count := range q.outcomes {
		p.outcomes[name] += count
	}
}

// measured is a whole run: selling, then sold out, always apart.
type measured struct {
	phases  [2]*phase
	elapsed [2]time.Duration
	history history // only when the load remembers
}

// run connects, then sends every buyer's request, and returns when all have an
// answer. The time of connecting is not measured.
func (l *load) run(ctx context.Context) (*measured, error) {
	total := &measured{phases: [2]*phase{newPhase(), newPhase()}}
	var mu sync.Mutex
	var group sync.WaitGroup
	var failure error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := newLines(ctx, l.connections, l.target, l.retryMax)
	l.started = time.Now()
	for i := range lines {
		group.Go(func() {
			w := &worker{load: l, line: lines[i], phases: [2]*phase{newPhase(), newPhase()}}
			err := w.run(ctx)
			mu.Lock()
			defer mu.Unlock()
			total.phases[0].merge(w.phases[0])
			total.phases[1].merge(w.phases[1])
			total.history = append(total.history, w.history...)
			if err != nil && failure == nil {
				failure = err
				cancel()
			}
		})
	}
	group.Wait()
	end := time.Since(l.started)
	total.elapsed[0] = end
	if at := l.soldOut.Load(); at > 0 {
		total.elapsed[0], total.elapsed[1] = time.Duration(at), end-time.Duration(at)
	}
	return total, failure
}

// worker is one connection.
type worker struct {
	line
	load    *load
	phases  [2]*phase
	history history
}

func (w *worker) run(ctx context.Context) error {
	defer w.hangUp()
	minter := newMinter(w.load.secret, w.load.started)
	var request *buyRequest
	for ctx.Err() == nil {
		buyer := w.load.next.Add(1)
		if buyer > w.load.buyers {
			return nil
		}
		if request == nil {
			request = newBuyRequest("onsale", w.load.sale, w.load.quantity, minter)
		}
		if err := w.buy(ctx, request.of(w.load.first+buyer)); err != nil {
			return fmt.Errorf("buyer %d: %w", w.load.first+buyer, err)
		}
	}
	return ctx.Err()
}

// buy sends one buyer's request until it is decided, always with the same key.
func (w *worker) buy(ctx context.Context, request []byte) error {
	began := time.Now()
	var last error
	for attempt := 0; time.Since(began) < w.load.retryMax; attempt++ {
		if attempt > 0 {
			w.phases[w.load.phase()].retries++
			w.hangUp()
			time.Sleep(min(time.Duration(attempt)*5*time.Millisecond, 200*time.Millisecond))
		}
		answer, err := w.ask(ctx, request)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			last = err
		case answer.status >= 500:
			last = fmt.Errorf("%d %s", answer.status, answer.body)
		default:
			w.record(&answer, began)
			return nil
		}
	}
	return fmt.Errorf("no decision within %v: %w", w.load.retryMax, last)
}

// phase returns 0 while selling and 1 once somebody was refused as sold out.
func (l *load) phase() int {
	if l.soldOut.Load() == 0 {
		return 0
	}
	return 1
}

func (w *worker) record(answer *response, sent time.Time) {
	answered := time.Now()
	outcome := answer.outcome()
	if outcome == "sold_out" && w.load.soldOut.CompareAndSwap(0, max(1, int64(answered.Sub(w.load.started)))) && w.load.onSoldOut != nil {
		w.load.onSoldOut()
	}
	p := w.phases[w.load.phase()]
	p.outcomes[outcome]++
	p.latency.RecordValue(max(1, answered.Sub(sent).Microseconds())) // over the bound it counts as the bound
	if w.load.remember {
		w.history = append(w.history, told{sent: sent.Sub(w.load.started), answered: answered.Sub(w.load.started), seq: answer.seq(), outcome: outcome})
	}
	w.load.parts.note(w.load.answered.Add(1), answered.Sub(w.load.started))
}
