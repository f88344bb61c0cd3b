package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"onsale/api/client"
	"onsale/api/contract"

	"onsale/internal/failpoint"
)

// Options say what is run.
type Options struct {
	// Program is the onsale binary, Dir an empty folder for everything that it writes.
	Program, Dir string
	// Duration is for how long faults are struck; checks come on top.
	Duration time.Duration
	// Enough ends the faults earlier when it is closed; nil never does.
	Enough <-chan struct{}
	// Seed chooses the faults and their order. What they meet is the machine's timing, so
	// that a seed repeats a schedule, not a run.
	Seed    uint64
	Clients int
	// RequestsPerSecondMin makes a run void that answered fewer.
	RequestsPerSecondMin float64
	Log                  io.Writer
}

// run is a run under way.
type run struct {
	options Options
	stage   *stage
	history *history
	crowd   *crowd
	breaker *breaker
	report  *Report
	// counting guards the report's counts of holds.
	counting sync.Mutex
	struck   time.Duration // for how long faults were struck
	// unsupervise lets ended processes stay down.
	unsupervise func()
}

// Run breaks a cluster for a while and says what it found. The process must be root in a
// network and mount namespace of its own.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	stage, err := newStage(o.Dir, o.Program)
	if err != nil {
		return nil, err
	}
	all, missing := classes(probeWeather(), failpoint.In(o.Program))
	r := &run{options: o, stage: stage, history: newHistory(), report: &Report{Seed: o.Seed, Missing: missing, Starts: map[string]int{}, Audits: map[string]string{}, Recovery: []float64{}, Void: []string{}}}
	r.report.Verdict.Violations, r.report.Verdict.log = []string{}, r.log
	r.breaker = &breaker{stage: stage, log: r.log, broken: map[*process]bool{}, counts: map[string]int{}, places: newPlaceDecks()}
	r.report.Strikes = r.breaker.counts
	defer func() {
		for _, p := range stage.all() {
			p.kill()
		}
	}()
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	supervised, unsupervise := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.breaker.supervise(supervised) }()
	r.unsupervise = func() { unsupervise(); <-stopped }
	defer r.unsupervise()
	if err := r.strike(ctx, &deck{random: rand.New(rand.NewPCG(o.Seed, 1)), classes: all}); err != nil {
		return nil, err
	}
	if err := r.settle(ctx); err != nil {
		return nil, err
	}
	r.check(all)
	if r.report.Failed() {
		err = r.keepEvidence()
	}
	return r.report, err
}

func (r *run) log(format string, values ...any) {
	fmt.Fprintf(r.options.Log, "%7.1f s  %s\n", time.Since(r.history.began).Seconds(), fmt.Sprintf(format, values...))
}

// begin starts everything and opens the sale.
func (r *run) begin(ctx context.Context) error {
	for _, p := range append(append([]*process{r.stage.provider, r.stage.lone}, r.stage.voters()...), r.stage.frontEnds...) {
		if err := p.start(); err != nil {
			return err
		}
	}
	leader, err := r.stage.awaitLeader(ctx, 30*time.Second)
	if err != nil {
		return err
	}
	seller, err := r.stage.seller(leader)
	if err != nil {
		return err
	}
	later, hold := time.Now().Add(r.options.Duration+laterStart), contract.Duration(heldFor)
	r.history.starting(laterSale, later)
	for _, sale := range []contract.NewSale{
		{ID: mainSale, Item: "Main", Quantity: mainQuantity, Price: new(int64(100)), Currency: "EUR"},
		{ID: laterSale, Item: "Later", Quantity: mainQuantity, Price: new(int64(100)), Currency: "EUR", StartsAt: &later},
		{ID: heldSale, Item: "Held", Quantity: mainQuantity, Price: new(int64(0)), Currency: "EUR", Hold: &hold},
	} {
		if _, err := seller.CreateSale(ctx, sale); err != nil {
			return err
		}
	}
	r.crowd = gather(r.stage, r.history, r.options.Clients)
	return nil
}

// strike lets eras of faults and calm follow each other.
func (r *run) strike(ctx context.Context, d *deck) error {
	defer r.crowd.disperse()
	windows, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	for _, goes := range []func(context.Context){r.openWindows, r.watchHolds, r.suspendLone} {
		beside.Go(func() { goes(windows) })
	}
	defer func() { cancel(); beside.Wait() }()
	for began := time.Now(); time.Since(began) < r.options.Duration && !r.enough() && ctx.Err() == nil; r.struck = time.Since(began) {
		if err := r.breaker.era(ctx, d); err != nil {
			return err
		}
		r.log("calm")
		r.recover(ctx)
	}
	return ctx.Err()
}

// enough reports whether the faults are to end before their time.
func (r *run) enough() bool {
	select {
	case <-r.options.Enough:
		return true
	default:
		return false
	}
}

// recover waits until a buy succeeds, which L1 promises within RecoveryMax.
func (r *run) recover(ctx context.Context) {
	calm := time.Now()
	s := newShopper(r.crowd, -1)
	defer s.web.CloseIdleConnections()
	for time.Since(calm) < 3*RecoveryMax && ctx.Err() == nil {
		user := fmt.Sprintf("recovery-%d", s.keys.Add(1))
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		_, err := s.buyer(user).Buy(asking, client.Purchase{Quantity: 1, Sale: mainSale, Key: user})
		cancel()
		if err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.checkClock(ctx)
	took := time.Since(calm)
	r.report.Recovery = append(r.report.Recovery, took.Seconds())
	if took > RecoveryMax {
		r.report.Verdict.wrong("L1", "after the faults ended it took %v until a buy succeeded", took)
	}
	time.Sleep(2 * time.Second) // followers catch up before the next era
}

const (
	// windowTime is for how long buyers come to one small sale, and windowStart how long
	// before it starts they begin.
	windowTime  = 5 * time.Second
	windowStart = 2 * time.Second
	// laterStart is how long after the end of the run the sale starts that nobody gets
	// anything of.
	laterStart = 30 * time.Minute
)

// openWindows makes one small sale after the other.
func (r *run) openWindows(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("window-%d", n)
		if leader := r.stage.leader(ctx); leader != nil {
			if seller, err := r.stage.seller(leader); err == nil {
				starts := time.Now().Add(windowStart)
				if _, err := seller.CreateSale(ctx, contract.NewSale{ID: id, Item: "Window", Quantity: windowQuantity, Price: new(int64(0)), Currency: "EUR", StartsAt: &starts}); err == nil {
					r.history.starting(id, starts)
					r.crowd.window.Store(&window{id: id})
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(windowTime):
		}
		r.crowd.window.Store(nil)
	}
}

// Keep leaves what the nodes have on their disks in the folder: the disks end with the
// process.
func Keep(dir string) error {
	for i := range nodeCount + 2 {
		disk := fmt.Sprintf("%s/n%d", dir, i+1)
		if err := each("cp -a "+disk+" "+disk+"-kept", "umount "+disk, "rmdir "+disk, "mv "+disk+"-kept "+disk); err != nil {
			return err
		}
	}
	return nil
}

// Clean unmounts and removes what a run left in its folder.
func Clean(dir string) error {
	for i := range nodeCount + 2 {
		_ = each(fmt.Sprintf("umount %s/n%d", dir, i+1)) // it may never have been mounted
	}
	return os.RemoveAll(dir)
}
