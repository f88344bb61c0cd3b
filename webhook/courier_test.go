package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/api/contract"
)

// fakeFeed is a feed in memory; a position is how many events are before it.
type fakeFeed struct {
	mu     sync.Mutex
	events []Event
	oldest int              // before it the feed has nothing any more
	down   error            // in place of an answer
	cut    map[string]error // the same at positions
	news   chan struct{}    // closed at the next change; nil while nobody waits
}

func (f *fakeFeed) add(subject string) {
	f.change(func() {
		id := fmt.Sprint("e", len(f.events))
		f.events = append(f.events, Event{ID: id, Subject: subject, Time: time.Now(), Body: []byte(id)})
	})
}

// Next implements Source.
func (f *fakeFeed) Next(ctx context.Context, after string, _ Filter, wait time.Duration) (Page, error) {
	deadline := time.After(wait)
	for {
		page, err := f.page(after)
		if err != nil || len(page.Events) > 0 || after == Newest {
			return page, err
		}
		select {
		case <-ctx.Done():
			return Page{}, ctx.Err()
		case <-deadline:
			return page, nil
		case <-f.changed():
		}
	}
}

// changed is closed at the next change.
func (f *fakeFeed) changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.news == nil {
		f.news = make(chan struct{})
	}
	return f.news
}

// change changes the feed.
func (f *fakeFeed) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	if f.news != nil {
		close(f.news)
		f.news = nil
	}
}

func (f *fakeFeed) page(after string) (Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if after == Newest {
		after = strconv.Itoa(len(f.events))
	}
	from, err := strconv.Atoi("0" + after)
	switch {
	case f.cut[after] != nil: // what comes has other positions
		cut := f.cut[after]
		delete(f.cut, after)
		return Page{}, cut
	case f.down != nil:
		return Page{}, f.down
	case err != nil:
		return Page{}, err
	case from < f.oldest:
		return Page{}, fmt.Errorf("%w: it begins at %d", ErrFeedGone, f.oldest)
	}
	to := min(from+64, len(f.events))
	return Page{Events: slices.Clone(f.events[from:to]), Next: strconv.Itoa(to), More: to < len(f.events)}, nil
}

// receiver answers as it is told, and remembers what came.
type receiver struct {
	mu     sync.Mutex
	came   []string // ids, in the order of their arrival
	answer func(e *Event, count int) (outcome, time.Duration)
	counts map[string]int
	now    int // attempts under way
	most   int
}

func (r *receiver) send(ctx context.Context, e *Event) outcome {
	r.mu.Lock()
	r.counts[e.ID]++
	o, takes := r.answer(e, r.counts[e.ID])
	r.now++
	r.most = max(r.most, r.now)
	if o.result == delivered || o.result == timedOut {
		r.came = append(r.came, e.ID)
	}
	r.mu.Unlock()
	defer func() { r.mu.Lock(); r.now--; r.mu.Unlock() }()
	select {
	case <-ctx.Done():
		return outcome{result: undelivered}
	case <-time.After(takes):
	}
	return o
}

func (r *receiver) tries(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[id]
}

// atOnce returns how many attempts were under way at once at most.
func (r *receiver) atOnce() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

func (r *receiver) arrived() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.came)
}

func newReceiver(answer func(e *Event, count int) (outcome, time.Duration)) *receiver {
	return &receiver{answer: answer, counts: map[string]int{}}
}

// always answers the same.
func always(r result) func(*Event, int) (outcome, time.Duration) {
	return func(*Event, int) (outcome, time.Duration) {
		return outcome{result: r, said: r.String()}, 10 * time.Millisecond
	}
}

// dying is a state file whose process dies at a commit: before it is written, or behind that.
type dying struct {
	*State
	random *rand.Rand   // of the courier's goroutine
	chance atomic.Int64 // one commit of so many; 0 for none
	full   atomic.Bool
}

var errDied = errors.New("the process died")

func (d *dying) commit(endpoint string, c *change) error {
	chance := d.chance.Load()
	dies := chance > 0 && d.random.Int64N(chance) == 0
	if dies && d.random.IntN(2) == 0 {
		return errDied
	}
	if err := d.State.commit(endpoint, c); err != nil || dies {
		return errors.Join(errDied, err)
	}
	return nil
}

func (d *dying) room() error {
	if d.full.Load() {
		return ErrDiskLow
	}
	return nil
}

// process is a courier that runs.
type process struct {
	*courier
	state *dying
	stop  context.CancelFunc
	ended chan error
}

// startProcess lets a courier run on a state file, as a process does.
func startProcess(t *testing.T, path string, config Endpoint, feed Source, to *receiver, random *rand.Rand, chance int64) *process {
	t.Helper()
	state, err := OpenState(path, "test")
	if err != nil {
		t.Fatal(err)
	}
	state.db.NoSync = true // the machine does not die here
	p := &process{state: &dying{State: state}, ended: make(chan error, 1)}
	p.state.chance.Store(chance)
	if chance > 0 {
		p.state.random = rand.New(rand.NewPCG(random.Uint64(), 0))
	}
	if p.courier, err = newCourier("shop", config.withDefaults(), state, feed, to.send, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	p.courier.state = p.state
	ctx, stop := context.WithCancel(t.Context())
	p.stop = stop
	go func() { p.ended <- p.run(ctx) }()
	return p
}

// end waits until the process has ended, and says why it did.
func (p *process) end(t *testing.T) error {
	t.Helper()
	err := <-p.ended
	p.stop()
	if closed := p.state.Close(); closed != nil {
		t.Fatal(closed)
	}
	return err
}

func (p *process) quit(t *testing.T) {
	t.Helper()
	p.stop()
	if err := p.end(t); err != nil {
		t.Error(err)
	}
}

// told has the courier do something and returns its error.
func (p *process) told(do func() error) error {
	o := order{do, make(chan error, 1)}
	p.orders <- o
	return <-o.done
}

// Processes die at their commits, attempts fail, hang and lose their answers: each event comes at
// least once, first arrivals of a subject are in order, nothing comes that was not in the feed, and
// what was delivered long ago does not come again.
func TestProcessesThatDie(t *testing.T) {
	random := seeded(t)
	for round := range 4 {
		seed := random.Uint64()
		synctest.Test(t, func(t *testing.T) { diesAndGoesOn(t, rand.New(rand.NewPCG(seed, 0)), 100+round) })
	}
}

func diesAndGoesOn(t *testing.T, random *rand.Rand, events int) {
	feed, path := new(fakeFeed), filepath.Join(t.TempDir(), "state")
	dice := rand.New(rand.NewPCG(random.Uint64(), 0))
	to := newReceiver(func(*Event, int) (outcome, time.Duration) { // under its lock
		results := []result{delivered, delivered, delivered, timedOut, failed, refused, unreachable, throttled}
		return outcome{result: results[dice.IntN(len(results))], said: "no"}, time.Duration(dice.IntN(2000)) * time.Millisecond
	})
	config := Endpoint{From: fromOldest, Concurrency: 1 + random.IntN(8)}
	deaths := 0
	p := startProcess(t, path, config, feed, to, random, 12)
	for added := 0; added < events || len(first(to.arrived())) < events; {
		if added < events {
			feed.add(fmt.Sprint("order ", random.IntN(12)))
			added++
		}
		select {
		case err := <-p.ended:
			if !errors.Is(err, errDied) {
				t.Fatal(err)
			}
			p.ended <- err
			_ = p.end(t) // it died as it was told
			deaths++
			p = startProcess(t, path, config, feed, to, random, 12)
		case <-time.After(time.Duration(random.IntN(3000)) * time.Millisecond):
			if added == events { // the schedule's pauses are hours
				time.Sleep(time.Duration(random.IntN(20)) * time.Minute)
			}
		}
	}
	p.stop()
	if err := p.end(t); err != nil && !errors.Is(err, errDied) {
		t.Error(err)
	}
	if deaths < 3 {
		t.Errorf("only %d processes died", deaths)
	}
	checkArrivals(t, feed, to.arrived())
}

// first returns the first arrivals.
func first(came []string) (firsts []string) {
	seen := map[string]bool{}
	for _, id := range came {
		if !seen[id] {
			seen[id] = true
			firsts = append(firsts, id)
		}
	}
	return firsts
}

// checkArrivals holds what came against the feed.
func checkArrivals(t *testing.T, feed *fakeFeed, came []string) {
	t.Helper()
	want, got, subjects := map[string][]string{}, map[string][]string{}, map[string]string{}
	for _, e := range feed.events {
		want[e.Subject] = append(want[e.Subject], e.ID)
		subjects[e.ID] = e.Subject
	}
	for _, id := range first(came) {
		subject, known := subjects[id]
		if !known {
			t.Errorf("%s came and was never in the feed", id)
		}
		got[subject] = append(got[subject], id)
	}
	for subject, ids := range want {
		if !slices.Equal(got[subject], ids) {
			t.Errorf("of %s came %v, wanted %v", subject, got[subject], ids)
		}
	}
}

// One order whose events the receiver does not take holds up no other, is given up after 72 hours,
// and its later events go then. The dead letter comes again when it is asked for.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed, takes := new(fakeFeed), new(atomic.Bool)
		for _, subject := range []string{"bad", "good", "bad", "good"} {
			feed.add(subject)
		}
		to := newReceiver(func(e *Event, _ int) (outcome, time.Duration) {
			if e.ID == "e0" && !takes.Load() {
				return outcome{result: refused, said: "answered 400"}, time.Millisecond
			}
			return outcome{result: delivered}, time.Millisecond
		})
		p := startProcess(t, filepath.Join(t.TempDir(), "state"), Endpoint{From: fromOldest}, feed, to, nil, 0)
		began := time.Now()
		time.Sleep(time.Second)
		synctest.Wait()
		if came := to.arrived(); !slices.Equal(came, []string{"e1", "e3"}) {
			t.Errorf("%v came beside the bad one", came)
		}
		for len(to.arrived()) < 3 {
			time.Sleep(time.Minute)
		}
		if gaveUp := time.Since(began); gaveUp < GiveUpAfter || gaveUp > GiveUpAfter+time.Hour {
			t.Errorf("given up after %v", gaveUp)
		}
		if tries := to.tries("e0"); tries < len(delays)+4 || tries > 60 {
			t.Errorf("tried %d times", tries)
		}
		letters, numbers, err := p.state.letters("shop", 0, 10)
		if err != nil || len(letters) != 1 || letters[0].Event.ID != "e0" || letters[0].Said != "refused: answered 400" || letters[0].DeadAt.IsZero() {
			t.Fatalf("dead letters are %+v, %v", letters, err)
		}
		e := &Engine{config: Config{State: p.state.State}}
		takes.Store(true)
		again, err := e.exhume("shop", numbers)
		if err == nil {
			err = p.told(func() error { return p.takeBack(again) })
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if came := to.arrived(); !slices.Equal(came, []string{"e1", "e3", "e2", "e0"}) || p.shown.status().Dead != 0 {
			t.Errorf("came %v, %+v", came, p.shown.status())
		}
		if _, err := e.exhume("shop", numbers); !errors.Is(err, ErrNotDead) {
			t.Errorf("a dead letter that is none any more: %v", err)
		}
		p.quit(t)
	})
}

// An endpoint that takes nothing is stopped after disable_after, with everything kept, and goes on
// when somebody says so; processes that come and go meanwhile change nothing of that.
func TestDeadEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed, path, takes := new(fakeFeed), filepath.Join(t.TempDir(), "state"), new(atomic.Bool)
		for n := range 10 {
			feed.add(fmt.Sprint("order ", n))
		}
		to := newReceiver(func(*Event, int) (outcome, time.Duration) {
			if takes.Load() {
				return outcome{result: delivered}, time.Millisecond
			}
			return outcome{result: unreachable, said: "connection refused"}, time.Millisecond
		})
		config := Endpoint{From: fromOldest, DisableAfter: contract.Duration(24 * time.Hour)}
		p, began, tried := startProcess(t, path, config, feed, to, nil, 0), time.Now(), time.Duration(0)
		for p.shown.status().Stopped == nil && time.Since(began) < 100*time.Hour {
			time.Sleep(3 * time.Hour)
			tried += 3 * time.Hour
			p.quit(t)
			time.Sleep(time.Hour) // nobody runs
			p = startProcess(t, path, config, feed, to, nil, 0)
		}
		stop := p.shown.status().Stopped
		if stop == nil || stop.Reason != StopDisabled || tried < 24*time.Hour || tried > 40*time.Hour {
			t.Fatalf("after %v it is stopped: %+v", tried, stop)
		}
		time.Sleep(100 * time.Hour)
		if status := p.shown.status(); status.Pending != 10 || status.Dead != 0 {
			t.Errorf("kept are %+v", status)
		}

		takes.Store(true)
		if err := p.told(func() error { p.goOn(); return p.commit(&change{}) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if len(to.arrived()) != 10 || p.shown.status().Stopped != nil {
			t.Errorf("%d came, %+v", len(to.arrived()), p.shown.status())
		}
		p.quit(t)
	})
}

// An endpoint that comes back after an outage is sent all that waits soon, not when the schedule
// says.
func TestEndpointThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed, down := new(fakeFeed), new(atomic.Bool)
		down.Store(true)
		for n := range 40 {
			feed.add(fmt.Sprint("order ", n))
		}
		to := newReceiver(func(*Event, int) (outcome, time.Duration) {
			if down.Load() {
				return outcome{result: failed, said: "answered 500"}, time.Millisecond
			}
			return outcome{result: delivered}, time.Millisecond
		})
		p := startProcess(t, filepath.Join(t.TempDir(), "state"), Endpoint{From: fromOldest}, feed, to, nil, 0)
		time.Sleep(20 * time.Hour)
		down.Store(false)
		for len(to.arrived()) == 0 {
			time.Sleep(time.Second)
		}
		time.Sleep(hastenWithin + time.Second)
		if len(to.arrived()) != 40 {
			t.Errorf("%d of 40 came", len(to.arrived()))
		}
		p.quit(t)
	})
}

func TestGoneAndQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := new(fakeFeed)
		feed.add("a")
		to := newReceiver(func(e *Event, count int) (outcome, time.Duration) {
			if e.ID == "e0" && count == 1 {
				return outcome{result: throttled, status: 429, retryAfter: 20 * time.Minute, said: "answered 429"}, 0
			}
			if e.ID == "e2" {
				return outcome{result: gone, status: 410, said: "answered 410"}, 0
			}
			return outcome{result: delivered}, 0
		})
		p := startProcess(t, filepath.Join(t.TempDir(), "state"), Endpoint{From: fromOldest}, feed, to, nil, 0)
		time.Sleep(time.Second)
		feed.add("b") // it waits too: the receiver spoke for all
		time.Sleep(19 * time.Minute)
		if came := to.arrived(); len(came) != 0 {
			t.Errorf("%v came before the receiver wanted it", came)
		}
		time.Sleep(2 * time.Minute)
		if came := to.arrived(); len(came) != 2 {
			t.Errorf("%v came after that", came)
		}
		feed.add("c")
		time.Sleep(time.Minute)
		if s := p.shown.status(); s.Stopped == nil || s.Stopped.Reason != StopGone || s.Pending != 1 || to.tries("e2") != 1 {
			t.Errorf("%+v after 410", s)
		}
		p.quit(t)
	})
}

// What the feed has lost, and what a restore has cut, is said, and nothing goes on as if nothing
// had been.
func TestFeedThatIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed, to := new(fakeFeed), newReceiver(always(delivered))
		for range 5 {
			feed.add("a")
		}
		p := startProcess(t, filepath.Join(t.TempDir(), "state"), Endpoint{From: fromOldest, Types: []string{"order.paid"}}, feed, to, nil, 0)
		time.Sleep(time.Second)
		feed.change(func() { feed.cut = map[string]error{"5": &Cut{Still: "3"}} })
		time.Sleep(time.Minute)
		came := to.arrived()
		slices.Sort(came[min(5, len(came)):]) // the notice is about no order, and in no order's line
		if !slices.Equal(came, []string{"e0", "e1", "e2", "e3", "e4", "cut.5.3", "e3", "e4"}) {
			t.Errorf("came %.300v", came)
		}

		feed.change(func() { feed.down = new(Cut) })
		time.Sleep(time.Minute)
		if s := p.shown.status(); s.Stopped == nil || s.Stopped.Reason != StopCut {
			t.Errorf("a cut to nowhere: %+v", s)
		}
		p.quit(t)
	})
}

func TestFeedThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed, to := new(fakeFeed), newReceiver(always(delivered))
		for range 5 {
			feed.add("a")
		}
		feed.oldest, feed.down = 3, errors.New("no node answers")
		p := startProcess(t, filepath.Join(t.TempDir(), "state"), Endpoint{From: fromOldest}, feed, to, nil, 0)
		time.Sleep(time.Minute)
		if s := p.shown.status(); s.FeedError == "" || s.Stopped != nil || p.shown.feedErrors.Load() < 3 {
			t.Errorf("without a feed: %+v", s)
		}
		feed.change(func() { feed.down = nil })
		time.Sleep(time.Minute)
		if s := p.shown.status(); s.Stopped == nil || s.Stopped.Reason != StopFeedGone || len(to.arrived()) != 0 {
			t.Errorf("before its beginning: %+v, %v came", s, to.arrived())
		}
		err := p.told(func() error { p.replay("3"); return p.commit(&change{}) })
		time.Sleep(time.Minute)
		if came := to.arrived(); err != nil || !slices.Equal(came, []string{"e3", "e4"}) {
			t.Errorf("came %v, %v", came, err)
		}
		p.quit(t)
	})
}

// A new endpoint begins with what comes, and goes on there.
func TestBeginsWithTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed, to, path := new(fakeFeed), newReceiver(always(delivered)), filepath.Join(t.TempDir(), "state")
		feed.add("before")
		p := startProcess(t, path, Endpoint{}, feed, to, nil, 0)
		time.Sleep(time.Second)
		p.quit(t)
		feed.add("meanwhile")
		p = startProcess(t, path, Endpoint{}, feed, to, nil, 0)
		time.Sleep(time.Minute)
		if came := to.arrived(); !slices.Equal(came, []string{"e1"}) {
			t.Errorf("came %v", came)
		}
		p.quit(t)
	})
}

// A slow receiver is sent as much as it may have under way, what waits is bounded, and the rest
// stays in the feed. A full disk stops the reading alone.
func TestSlowReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = 10_000
		feed := new(fakeFeed)
		for n := range events {
			feed.add(fmt.Sprint("order ", n))
		}
		to := newReceiver(func(*Event, int) (outcome, time.Duration) { return outcome{result: delivered}, 50 * time.Millisecond })
		p := startProcess(t, filepath.Join(t.TempDir(), "state"), Endpoint{From: fromOldest, Concurrency: 32}, feed, to, nil, 0)
		began, most := time.Now(), 0
		for len(to.arrived()) < events {
			time.Sleep(time.Second)
			most = max(most, p.shown.status().Pending)
		}
		ideal := events * 50 * time.Millisecond / 32
		if took := time.Since(began); took > ideal*5/4 || to.atOnce() > 32 || most > PendingMax+64 || most < PendingMax/2 {
			t.Errorf("%v for %v, %d at once, %d waited", took, ideal, to.atOnce(), most)
		}
		time.Sleep(2 * time.Second)
		if s := p.shown.status(); s.Pending != 0 || s.LagSeconds != 0 {
			t.Errorf("at the end: %+v", s)
		}

		p.state.full.Store(true)
		feed.add("late")
		time.Sleep(time.Minute) // the question that was under way has ended by then
		feed.add("later")
		time.Sleep(time.Minute)
		if s := p.shown.status(); s.FeedError == "" || len(to.arrived()) != events+1 {
			t.Errorf("on a full disk: %+v, %d came", s, len(to.arrived()))
		}
		p.state.full.Store(false)
		time.Sleep(time.Minute)
		if s := p.shown.status(); s.FeedError != "" || len(to.arrived()) != events+2 {
			t.Errorf("with room again: %+v, %d came", s, len(to.arrived()))
		}
		p.quit(t)
	})
}

// An event that is too long becomes a dead letter, and an endpoint with as many as may be is
// stopped: nothing is dropped.
func TestTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed, to := new(fakeFeed), newReceiver(always(delivered))
		feed.add("a")
		feed.add("a")
		feed.events[0].Body = make([]byte, BodyBytesMax+1)
		p := startProcess(t, filepath.Join(t.TempDir(), "state"), Endpoint{From: fromOldest}, feed, to, nil, 0)
		time.Sleep(time.Minute)
		if s := p.shown.status(); s.Dead != 1 || !slices.Equal(to.arrived(), []string{"e1"}) {
			t.Errorf("%+v, %v came", s, to.arrived())
		}
		p.quit(t)
	})
}
