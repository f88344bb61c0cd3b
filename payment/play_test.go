package payment_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/payment"
	"onsale/payment/paymenttest"
	"onsale/payment/sandbox"
	"onsale/proof/testenv"
	"onsale/sequencer"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the first seed of the random play")
	seedCount = flag.Uint64("seeds", 100, "how many seeds the random play plays")
)

// The random play: payment coordinators beside three replicas, buyers and sellers, and a
// provider behind a bad line. Leaders change and processes die, also between any two
// steps of the protocol. A seed fixes the script and what befalls the nth call, command
// or step of a kind; the scheduler still chooses which of two goroutines goes first.
//
// When the faults end, all is settled within settledWithin, and then the provider's books
// and the orders agree to the cent.
func TestPlay(t *testing.T) {
	var total tally
	seeds := testenv.Pick(*seedCount, min(*seedCount, seedsInShortRun))
	for seed := *firstSeed; seed < *firstSeed+seeds; seed++ {
		synctest.Test(t, func(t *testing.T) {
			p := newPlay(t, seed)
			p.run()
			p.mu.Lock()
			defer p.mu.Unlock()
			total.add(&p.seen)
		})
		if t.Failed() {
			t.Fatalf("seed %d; again: go test ./payment -run TestPlay -seed %d -seeds 1", seed, seed)
		}
	}
	t.Logf("seeds %d to %d: %v", *firstSeed, *firstSeed+seeds-1, total.counts)
	if seeds >= 100 {
		total.checkAll(t)
	}
}

const (
	seedsInShortRun = 20

	playReplicas = 3
	playSteps    = 120
	// playNumber is the cluster's number: its orders' uids have more than their seq.
	playNumber = 5
	// settledWithin is how long settling may take when all is well again: an attempt
	// is given up, and a few pauses.
	settledWithin = 3 * time.Second
	// One seed in so many has a provider that takes slowRate calls a second and slowLeads times as
	// few elections and deaths, so that buyers stand in the line, and settling takes as long as slowWithin.
	slowSeeds  = 4
	slowRate   = 4
	slowLeads  = 16
	slowWithin = 10 * time.Minute
)

func playConfig(slow bool) payment.Config {
	c := payment.DefaultConfig()
	c.Number = func() uint8 { return playNumber }
	c.CallTimeout, c.AbandonAfter = 300*time.Millisecond, 700*time.Millisecond
	c.SettleInterval, c.RetryPauseMax = 20*time.Millisecond, 160*time.Millisecond
	c.PaymentsMax, c.SettlersMax = 8, 3
	c.Rate = 5000 // of which enough is left after many a 429
	if slow {
		c.Rate = slowRate
	}
	return c
}

// life is a payment coordinator in its process.
type life struct {
	*paymenttest.Process
	desk    *payment.Desk
	replica *paymenttest.Replica
	number  int // of all processes, from 1
}

// play is one seed's.
type play struct {
	t       *testing.T
	seed    uint64
	script  *rand.Rand // of the goroutine that plays
	cluster *paymenttest.Cluster
	books   *sandbox.Books
	line    *paymenttest.Faulty
	badness int // percent of calls and commands that something befalls
	calm    atomic.Bool
	outage  atomic.Bool // no call arrives
	tabs    sync.WaitGroup
	sales   []uint16
	orders  []uint64
	wrong   []attemptOf // of which a wrong word came

	mu     sync.Mutex
	nth    map[string]int
	lives  [playReplicas]*life // the newest
	count  int
	told   map[uint64]sequencer.OrderState // paid, by order
	seen   tally
	ending bool // no process begins any more
}

// attemptOf is an attempt to pay an order.
type attemptOf struct {
	order  uint64
	number uint8
}

func newPlay(t *testing.T, seed uint64) *play {
	p := &play{t: t, seed: seed, script: rand.New(rand.NewPCG(seed, 0)), nth: map[string]int{}, told: map[uint64]sequencer.OrderState{}}
	p.badness = p.script.IntN(60)
	config := sandbox.DefaultConfig()
	config.Account = paymenttest.AccountID
	config.Secrets, config.Notify = [][]byte{[]byte("a secret")}, p.deliver
	books, err := sandbox.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { books.Close() })
	p.books = books
	p.line = &paymenttest.Faulty{Provider: books, Fault: p.callFault, Arrived: p.arrived}
	p.cluster = paymenttest.NewCluster(playReplicas, p.commitFault)

	for _, spec := range []sequencer.SaleSpec{
		{ID: "gig", Price: 100}, {ID: "dear", Price: 250_00, Currency: "USD", Hold: int64(2 * time.Second), Grace: int64(time.Second)},
		{ID: "free"}, {ID: "yen", Price: 7, Currency: "JPY", Quantity: 12, Waitlist: 20}, {ID: "other", Price: 33},
	} {
		p.sales = append(p.sales, p.cluster.AddSale(t, spec))
	}
	for id := range playReplicas {
		p.begin(id)
	}
	return p
}

// isSlow reports whether the provider takes few calls.
func (p *play) isSlow() bool { return p.seed%slowSeeds == 0 }

// draw returns the randomness of the nth thing of a kind.
func (p *play) draw(kind ...any) *rand.Rand {
	name := fmt.Sprint(kind...)
	p.mu.Lock()
	p.nth[name]++
	nth := p.nth[name]
	p.mu.Unlock()
	hash := fnv.New64a()
	fmt.Fprint(hash, name, " ", nth)
	return rand.New(rand.NewPCG(p.seed, hash.Sum64()))
}

// upTo returns a time below a bound.
func upTo(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// callFault is what befalls a call to the provider.
func (p *play) callFault(call paymenttest.CallName, c payment.Charge) (fault paymenttest.Fault) {
	r := p.draw(call, c.Key)
	switch {
	case p.calm.Load():
		return fault
	case p.outage.Load():
		return paymenttest.Fault{Unsent: true}
	case r.IntN(100) >= p.badness:
		fault.After = upTo(r, 10*time.Millisecond)
		return fault
	}
	p.note("bad " + string(call))
	switch r.IntN(7) {
	case 0:
		if call == paymenttest.CallCancel && p.order(p.attemptIn(&c).order).State == sequencer.StatePaying {
			break // the gap that the package's trade-offs name
		}
		fault.Before = upTo(r, 600*time.Millisecond)
	case 1:
		fault.After = upTo(r, 600*time.Millisecond)
	case 2:
		fault.Unsent = true
	case 3, 4:
		fault.Lost = true
	case 5:
		fault.NotNow = call != paymenttest.CallAuthorise && call != paymenttest.CallFind
	case 6:
		p.note("throttled")
		fault.Throttled = true
	}
	return fault
}

// commitFault is what befalls a command.
func (p *play) commitFault(at *paymenttest.Replica, c *sequencer.Command) (fault paymenttest.CommitFault) {
	r := p.draw("commit", at.ID(), c.Kind, c.Order, c.Attempt)
	switch {
	case c.Kind == sequencer.KindPayCalled:
		p.note("called out of the line")
	case c.Kind == sequencer.KindPayResult && p.order(c.Order).Lined:
		p.note("ended in the line")
	}
	if p.calm.Load() || r.IntN(100) >= p.badness/2 {
		return fault
	}
	p.note("bad commit")
	switch r.IntN(3) {
	case 0:
		fault.Before = upTo(r, time.Second)
	case 1:
		fault.After = upTo(r, time.Second)
	case 2:
		fault.Lost = true
	}
	return fault
}

// begin starts a process beside a replica.
func (p *play) begin(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return
	}
	p.count++
	l := &life{replica: p.cluster.Replica(id), number: p.count}
	l.Process = &paymenttest.Process{Node: l.replica, Provider: p.line}
	config := playConfig(p.isSlow())
	config.Reached = func(step payment.Step) { p.reached(l, step) }
	l.desk = payment.NewDesk(config, l.Process, l.Process)
	p.lives[id] = l
	p.t.Cleanup(func() { _ = l.desk.Close() }) // returns nil
}

// reached lets a process die at a step, or its replica lose the lead there.
func (p *play) reached(l *life, step payment.Step) {
	if l.Dead() {
		runtime.Goexit()
	}
	r := p.draw("step", l.number, step)
	if p.calm.Load() {
		return
	}
	likely := 8 // percent
	switch step {
	case payment.StepFound: // of which there are most
		likely = 1
	case payment.StepVoided: // and fewest
		likely = 25
	case payment.StepCalled: // one in a few seeds
		likely = 40
	}
	luck := r.IntN(100)
	if p.isSlow() && step != payment.StepCalled {
		luck *= 1 + r.IntN(slowLeads)
	}
	switch {
	case luck < likely:
		p.note("died at " + string(step))
		p.die(l, r)
		runtime.Goexit()
	case luck < 2*likely:
		p.note("deposed at " + string(step))
		p.elect(r)
	}
}

// die ends a process, and another begins beside its replica, which leads no more.
func (p *play) die(l *life, r *rand.Rand) {
	if !l.Kill() {
		return
	}
	p.cluster.Elect(p.cluster.Replica(r.IntN(playReplicas)), true)
	p.begin(l.replica.ID())
}

// elect lets another replica lead, or nobody; who led may not hear of it.
func (p *play) elect(r *rand.Rand) {
	if p.isSlow() && r.IntN(slowLeads) > 0 {
		return
	}
	id, heard := r.IntN(playReplicas+1), r.IntN(2) == 0
	if id == playReplicas {
		p.cluster.Elect(nil, heard)
		return
	}
	if !heard {
		p.note("two lead")
	}
	p.cluster.Elect(p.cluster.Replica(id), heard)
}

// deliver brings a webhook to some node: not at all, late, or twice.
func (p *play) deliver(signature string, body []byte) {
	r := p.draw("webhook", string(body))
	for range r.IntN(3) {
		time.Sleep(upTo(r, 300*time.Millisecond))
		l := p.life(r.IntN(playReplicas))
		if l.Dead() {
			continue
		}
		if err := l.desk.Notice("sandbox", signature, body); err != nil && !errors.Is(err, sequencer.ErrNoLeader) && !l.Dead() {
			p.t.Errorf("a webhook is refused: %v", err)
		}
		p.note("webhook")
	}
}

func (p *play) life(id int) *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives[id]
}

// run plays the script, ends the faults, and checks.
func (p *play) run() {
	for range playSteps {
		p.step()
		time.Sleep(upTo(p.script, 60*time.Millisecond))
	}
	p.endFaults()
	p.tabs.Wait()
	p.endOpen()
	p.tellWrongWords()
	p.refundLapsed()
	p.mustSettle()
	p.findFailedRefunds()
	p.checkBooks()
}

// endFaults makes all well: one node leads and all know it.
func (p *play) endFaults() {
	p.calm.Store(true)
	p.outage.Store(false)
	id := p.script.IntN(playReplicas)
	p.cluster.Elect(p.cluster.Replica(id), true)
	p.cluster.Hear()
	time.Sleep(4 * time.Second) // what was on its way arrived
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending = true
}

// endOpen lets the buyers who are still away complete, refuse, or come back with another card.
func (p *play) endOpen() {
	for _, seq := range p.orders {
		v := p.order(seq)
		if v.State == sequencer.StatePaying && p.script.IntN(3) == 0 && p.phase(attemptOf{seq, v.Attempts}) == payment.RequiresAction {
			p.payAt(p.life(p.cluster.Leader().ID()), payment.Request{Order: seq, Sale: v.Sale, User: v.User, Method: "tok_accept"}, 5*time.Second)
			p.note("another card")
		}
	}
	p.authenticate(p.script.IntN(2) == 0)
}

// findFailedRefunds compares the books, which finds the refunds that failed and of which no
// webhook came, until they were sent once more.
func (p *play) findFailedRefunds() {
	time.Sleep(time.Second) // those that will fail have
	for range 2 {
		found, err := p.life(p.cluster.Leader().ID()).desk.Reconcile(context.Background())
		if err != nil {
			p.t.Fatal(err)
		}
		if found.Unsettled > 0 || len(found.Differences) > 0 {
			p.note("a refund failed")
		}
		p.mustSettle()
	}
	for _, e := range p.books.Entries() {
		if e.Refunds > 1 {
			p.note("sent once more")
		}
		if e.Refunds > sequencer.RefundsMax {
			p.t.Errorf("P6: %s was refunded %d times", e.Key, e.Refunds)
		}
	}
}

// mustSettle waits until all is settled.
func (p *play) mustSettle() {
	within, pause := settledWithin, 10*time.Millisecond
	if p.isSlow() {
		within, pause = slowWithin, time.Second
	}
	for end := time.Now().Add(within); p.unsettled() > 0; time.Sleep(pause) {
		if p.isSlow() { // whose turn came late are asked to authenticate now
			p.authenticate(true)
		}
		if time.Now().After(end) {
			p.t.Fatalf("%d orders are not settled: %+v", p.unsettled(), p.firstUnsettled())
		}
	}
}

func (p *play) unsettled() (count int) {
	p.cluster.Read(func(s sequencer.Reader) { count = s.UnsettledCount() })
	return count
}

func (p *play) firstUnsettled() (views []sequencer.OrderView) {
	p.cluster.Read(func(s sequencer.Reader) { views = s.Unsettled(0, 1) })
	return views
}

func (p *play) order(seq uint64) (view sequencer.OrderView) {
	p.cluster.Read(func(s sequencer.Reader) { view, _ = s.Order(seq) })
	return view
}

// charge returns the charge of an attempt as it must be.
func (p *play) charge(of attemptOf) payment.Charge {
	view := p.order(of.order)
	sale, known := p.cluster.Replica(0).SaleByID(view.SaleID)
	if !known {
		p.t.Errorf("no order %d", of.order)
		return payment.Charge{}
	}
	attempt := paymenttest.Attempt{User: view.User, Sale: view.Sale, Seq: of.order | playNumber<<56, Number: of.number}
	return attempt.Charge(sale.Price*view.TicketsOf(of.number), sale.Currency)
}

// priceOf returns what a ticket of an order costs.
func (p *play) priceOf(order uint64) int64 {
	sale, known := p.cluster.Replica(0).SaleByID(p.order(order).SaleID)
	if !known {
		p.t.Errorf("no order %d", order)
		return 0
	}
	return sale.Price
}

// phase returns where the charge of an attempt stands.
func (p *play) phase(of attemptOf) payment.Phase {
	status, err := p.books.Find(context.Background(), p.charge(of))
	if err != nil {
		p.t.Errorf("%+v: %v", of, err)
	}
	return status.Phase
}
