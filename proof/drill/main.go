//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	program  string
	duration time.Duration
	seed     uint64
	buyers   int
	calm     time.Duration
	keep     bool
	check    string
}

// users is how many people the buyers are. They are few, so that many meet their cap.
const users = 150

// The length of a round's faults, and the time between two new sales.
const (
	roundTime = 45 * time.Second
	saleEvery = 12 * time.Second
)

func main() {
	var o options
	flag.StringVar(&o.program, "program", "bin/onsale", "the built program")
	flag.DurationVar(&o.duration, "duration", time.Minute, "how long it is broken")
	flag.Uint64Var(&o.seed, "seed", 0, "of the faults' order; 0 for the time of day")
	flag.IntVar(&o.buyers, "buyers", 12, "who buy at once")
	flag.DurationVar(&o.calm, "calm", 10*time.Second, "within which every door must sell after the faults of a round")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder of a run without a violation too")
	flag.StringVar(&o.check, "check", "", "folder of an earlier run, whose record is checked again")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.main(ctx); err != nil {
		fmt.Println("drill:", err)
		stop()
		os.Exit(1) //nolint:gocritic // what was deferred is called above
	}
}

// main runs and checks, or checks alone. The folder of a run without a violation is removed.
func (o *options) main(ctx context.Context) error {
	if o.check != "" {
		return judge(o.check, nil)
	}
	if os.Getuid() != 0 {
		return errors.New("network namespaces and mounts need root")
	}
	program, err := filepath.Abs(o.program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "drill-")
	if err != nil {
		return err
	}
	r := &drill{options: o, dir: dir, struck: map[string]int{}}
	if err = r.run(ctx, program); err == nil {
		err = judge(dir, r)
	}
	if err != nil {
		return fmt.Errorf("%w\nrecord, books and logs: %s", err, dir)
	}
	if o.keep {
		fmt.Println("record, books and logs:", dir)
		return nil
	}
	return os.RemoveAll(dir)
}

// drill is one run.
type drill struct {
	options *options
	dir     string
	stage   *stage
	record  *record
	crowd   *crowd
	hands   []*hand

	mu     sync.Mutex
	struck map[string]int
	rounds int
	worst  time.Duration // until all doors sold again
}

func (r *drill) log(format string, words ...any) {
	fmt.Printf("%s "+format+"\n", append([]any{time.Now().Format("15:04:05.000")}, words...)...)
}

func (r *drill) run(ctx context.Context, program string) (err error) {
	seed := r.options.seed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	r.log("seed %d, folder %s", seed, r.dir)
	r.stage, err = newStage(r.dir, program)
	defer r.stage.close()
	if err != nil {
		return err
	}
	if r.record, err = newRecord(filepath.Join(r.dir, "record.jsonl")); err != nil {
		return err
	}
	if r.crowd, err = newCrowd(r.stage, r.record, users); err != nil {
		return err
	}
	for i, faults := range [][]fault{shortFaults, longFaults} {
		r.hands = append(r.hands, &hand{stage: r.stage, random: rand.New(rand.NewPCG(seed, uint64(i))), faults: faults, mu: &r.mu, struck: r.struck, log: r.log})
	}
	err = r.live(ctx)
	if err == nil {
		err = r.settle(ctx)
	}
	return errors.Join(err, r.record.close())
}

// live lets the crowd buy while rounds of faults come and go.
func (r *drill) live(ctx context.Context) error {
	if err := r.calm(ctx, time.Minute); err != nil {
		return fmt.Errorf("at the start: %w", err)
	}
	buying, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { r.sell(buying) })
	for range r.options.buyers {
		group.Go(func() { r.crowd.live(buying) })
	}
	var err error
	for until := time.Now().Add(r.options.duration); err == nil && time.Now().Before(until) && ctx.Err() == nil; {
		err = r.round(ctx, min(roundTime, max(time.Second, time.Until(until))))
	}
	end()
	group.Wait()
	return errors.Join(err, ctx.Err())
}

// sell opens sales of both kinds in turn.
func (r *drill) sell(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		id, more := fmt.Sprintf("rush-%d", n), []string{"--quantity", "60", "--hold", "8h"}
		if n%2 == 0 {
			id, more = fmt.Sprintf("churn-%d", n), []string{"--quantity", "40", "--hold", churnHold.String(), "--grace", churnGrace.String(), "--waitlist", "15"}
		}
		if r.create(ctx, id, more) {
			r.crowd.open(id)
		}
		pause(ctx, saleEvery)
	}
}

// price is of a ticket.
const price = 1700

func (r *drill) create(ctx context.Context, id string, more []string) bool {
	e := entry{Kind: create, Sale: id, Door: "private", Sent: r.record.now()}
	defer func() { e.Told = r.record.now(); r.record.add(&e) }()
	for ctx.Err() == nil {
		err := r.stage.onsale(append([]string{"sale", "create", id, "--price", fmt.Sprint(price), "--private", r.stage.private(), "--secret-file", r.stage.path("token-secret")}, more...)...)
		if err == nil || strings.Contains(err.Error(), "exists") { // an earlier try made it
			e.Status = 200
			return true
		}
		pause(ctx, time.Second)
	}
	return false
}

// round breaks things for a time, mends all, and waits until every door sells again.
func (r *drill) round(ctx context.Context, length time.Duration) error {
	breaking, end := context.WithTimeout(ctx, length)
	defer end()
	errs := make([]error, len(r.hands))
	var group sync.WaitGroup
	for i, h := range r.hands {
		group.Go(func() { errs[i] = h.work(breaking) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	began := time.Now()
	if err := r.calm(ctx, r.options.calm); err != nil {
		return err
	}
	took := time.Since(began)
	r.rounds++
	r.worst = max(r.worst, took)
	r.log("all doors sell %v after round %d; %d answers", took.Round(time.Millisecond), r.rounds, r.record.told)
	return nil
}

// calm waits until each door has decided a buy: L1.
func (r *drill) calm(ctx context.Context, limit time.Duration) error {
	left := slices.Collect(func(yield func(int) bool) {
		for door := range r.stage.doors() {
			if !yield(door) {
				return
			}
		}
	})
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for len(left) > 0 {
		e := entry{Kind: probe, User: "u-1", Sale: "no-such-sale", Key: r.crowd.newKey(), Quantity: 1}
		left = slices.DeleteFunc(left, func(door int) bool {
			told := r.crowd.ask(waiting, door, e, "POST", "/v1/tickets?q=1&sale=no-such-sale", "")
			return told.answer.Code == "unknown-sale"
		})
		if len(left) > 0 {
			pause(waiting, 50*time.Millisecond)
		}
		if waiting.Err() != nil {
			return fmt.Errorf("L1: %d doors do not sell %v after the last fault: %v", len(left), limit, left)
		}
	}
	return ctx.Err()
}
