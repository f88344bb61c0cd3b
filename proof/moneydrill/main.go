package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	program  string
	duration time.Duration
	seed     uint64
	rate     float64
	keep     bool
}

func main() {
	var o options
	flag.StringVar(&o.program, "program", "bin/onsale", "the built program")
	flag.DurationVar(&o.duration, "duration", 2*time.Minute, "for how long buyers come and faults strike")
	flag.Uint64Var(&o.seed, "seed", 0, "of the faults' schedule; 0 for the time of day")
	flag.Float64Var(&o.rate, "rate", 6, "buyers a second")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder of a run without a violation too")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.main(ctx)
	stop()
	if err != nil {
		fmt.Println("money drill:", err)
		os.Exit(1)
	}
}

// main runs and checks. The folder of a run without a violation is removed.
func (o *options) main(ctx context.Context) error {
	if o.rate <= 0 || o.duration <= 0 {
		return errors.New("--rate and --duration must be above 0")
	}
	program, err := filepath.Abs(o.program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "moneydrill-")
	if err != nil {
		return err
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	if err = o.run(ctx, program, dir); err != nil {
		return fmt.Errorf("%w\nseed %d; evidence, books and logs: %s", err, o.seed, dir)
	}
	if o.keep {
		fmt.Println("evidence, books and logs:", dir)
		return nil
	}
	return os.RemoveAll(dir)
}

// run is one drill.
type run struct {
	options *options
	dir     string
	stage   *stage
	ledger  *ledger
	crowd   *crowd
	seller  *seller
	hands   []*hand
	waited  deadline // that was told last
}

func (r *run) log(format string, args ...any) {
	fmt.Printf("%s "+format+"\n", append([]any{time.Now().Format("15:04:05.000")}, args...)...)
}

func (o *options) run(ctx context.Context, program, dir string) error {
	r := &run{options: o, dir: dir, ledger: newLedger()}
	r.log("seed %d, %v, %g buyers a second, folder %s", o.seed, o.duration, o.rate, dir)
	var err error
	if r.stage, err = newStage(dir, program); err != nil {
		return err
	}
	defer r.stage.close()
	r.seller = &seller{stage: r.stage, ledger: r.ledger, log: r.log, cancelled: map[string]bool{}}
	r.crowd = &crowd{stage: r.stage, ledger: r.ledger, seller: r.seller}
	r.hands = []*hand{
		{stage: r.stage, log: r.log, struck: map[string]int{}, strikes: plan(o.seed, 0, o.duration, providerClasses, providerPauseMean)},
		{stage: r.stage, log: r.log, struck: map[string]int{}, strikes: plan(o.seed, 1, o.duration, nodeClasses, nodePauseMean)},
	}

	if err := r.stage.start(ctx); err != nil {
		return err
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	e, err := r.settle(ctx)
	if err != nil {
		return err
	}
	return r.judge(e)
}

// live lets buyers come and hands strike, until the time is over and all have left.
func (r *run) live(ctx context.Context) error {
	open, end := context.WithTimeout(ctx, r.options.duration)
	defer end()
	var group sync.WaitGroup
	group.Go(func() { r.seller.sell(ctx, open, r.crowd) })
	group.Go(func() { r.crowd.come(ctx, open, r.options.rate) })
	errs := make([]error, len(r.hands))
	for i, h := range r.hands {
		group.Go(func() { errs[i] = h.work(ctx) })
	}
	group.Wait()
	r.log("all faults are mended, all buyers have left")
	return errors.Join(append(errs, ctx.Err())...)
}

// judge checks the evidence, keeps it in the folder, and prints the report.
func (r *run) judge(e *evidence) error {
	v := check(e)
	struck := map[string]int{}
	for i, classes := range [][]class{providerClasses, nodeClasses} {
		maps.Copy(struck, r.hands[i].struck)
		for _, c := range classes {
			v.needs(struck, c.name)
		}
	}
	v.needs(r.ledger.counts, happened...)
	v.needs(v.counts, "refunds that failed later", "disputes", secondCaptured)
	for _, p := range r.stage.all() {
		if p.falls > 0 {
			v.wrong("ends", "%s ended by itself %d times", p.name, p.falls)
		}
	}

	printCounts(os.Stdout, struck)
	printCounts(os.Stdout, r.ledger.counts)
	v.print(os.Stdout)
	text, err := json.MarshalIndent(e, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, "evidence.json"), text, 0o600)
	}
	switch {
	case v.violations() > 0:
		err = errors.Join(fmt.Errorf("%d violations", v.violations()), err)
	case len(v.void) > 0:
		err = errors.Join(errors.New("too little happened: the run proves nothing"), err)
	}
	return err
}

// happened is what must have been counted in a run that says anything.
var happened = []string{
	"payments accepted", "payments rejected: declined", "authentications completed", "authentications refused", "authentications abandoned",
	"given back before they were paid", "orders refunded", "one of two refunded", "sales cancelled",
}
