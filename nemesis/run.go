package nemesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"onsale/api/client"
	"onsale/api/contract"
	"onsale/audit"
)

// Options say what is run.
type Options struct {
	// Program is the onsale binary, Dir an empty folder for everything that it writes.
	Program, Dir string
	// Duration is for how long faults are struck; checks come on top.
	Duration time.Duration
	// Seed chooses the faults and their order. What they meet is the machine's timing, so
	// that a seed repeats a schedule, not a run.
	Seed    uint64
	Clients int
	// RequestsPerSecondMin makes a run void that answered fewer.
	RequestsPerSecondMin float64
	Log                  io.Writer
}

// Report is what came of a run.
type Report struct {
	Seed              uint64            `json:"seed"`
	Seconds           float64           `json:"seconds"`
	Strikes           map[string]int    `json:"strikes"` // by class of fault
	Missing           []string          `json:"missing"` // classes that this machine cannot make
	Starts            map[string]int    `json:"starts"`  // of each process
	Failpoints        map[string]int    `json:"failpoint_crashes"`
	ClockChecks       int               `json:"clock_checks"` // of the log's time
	Requests          int               `json:"requests"`
	Answered          int               `json:"answered"`
	RequestsPerSecond float64           `json:"requests_per_second"` // answered
	Failures          map[string]int    `json:"failures"`            // single tries that were no answer
	Acknowledged      int               `json:"acknowledged_purchases"`
	Terms             uint64            `json:"terms"`
	Recovery          []float64         `json:"recovery_seconds"` // until a buy succeeded after each era's faults
	Linearity         linearity         `json:"linearity"`
	Audits            map[string]string `json:"audits"`
	Verdict           verdict           `json:"verdict"`
	Void              []string          `json:"void"` // why the run proves nothing
}

// Failed reports whether the run found something, or proves nothing.
func (r *Report) Failed() bool { return r.Verdict.Count > 0 || len(r.Void) > 0 }

// run is a run under way.
type run struct {
	options Options
	stage   *stage
	history *history
	crowd   *crowd
	breaker *breaker
	report  *Report
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
	all, missing := classes(probeNetem(), hasFailpoints(o.Program))
	r := &run{options: o, stage: stage, history: newHistory(), report: &Report{Seed: o.Seed, Missing: missing, Starts: map[string]int{}, Audits: map[string]string{}, Recovery: []float64{}, Void: []string{}}}
	r.report.Verdict.Violations = []string{}
	r.breaker = &breaker{stage: stage, log: r.log, broken: map[*process]bool{}, counts: map[string]int{}}
	r.report.Strikes = r.breaker.counts
	defer func() {
		for _, p := range stage.all() {
			err = errors.Join(err, p.kill())
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
	for _, p := range append(append([]*process{r.stage.provider}, r.stage.voters()...), r.stage.frontEnds...) {
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
	if _, err := seller.CreateSale(ctx, contract.NewSale{ID: mainSale, Item: "Main", Quantity: mainQuantity, Price: 100, Currency: "EUR"}); err != nil {
		return err
	}
	r.crowd = gather(r.stage, r.history, r.options.Clients)
	return nil
}

// strike lets eras of faults and calm follow each other.
func (r *run) strike(ctx context.Context, d *deck) error {
	defer r.crowd.disperse()
	windows, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); r.openWindows(windows) }()
	defer func() { cancel(); <-done }()
	for end := time.Now().Add(r.options.Duration); time.Now().Before(end) && ctx.Err() == nil; {
		if err := r.breaker.era(ctx, d); err != nil {
			return err
		}
		r.log("calm")
		r.recover(ctx)
	}
	return ctx.Err()
}

// recover waits until a buy succeeds, which L1 promises within RecoveryMax.
func (r *run) recover(ctx context.Context) {
	calm := time.Now()
	s := &shopper{crowd: r.crowd, number: -1, random: rand.New(rand.NewPCG(1, 2)), web: newWeb(), doors: r.stage.doors(), tokens: map[string]string{}}
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

// windowTime is for how long one small sale is on.
const windowTime = 4 * time.Second

// openWindows makes one small sale after the other.
func (r *run) openWindows(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		id := fmt.Sprintf("window-%d", n)
		if leader := r.stage.leader(ctx); leader != nil {
			if seller, err := r.stage.seller(leader); err == nil {
				if _, err := seller.CreateSale(ctx, contract.NewSale{ID: id, Item: "Window", Quantity: windowQuantity, Price: 0, Currency: "EUR"}); err == nil {
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

// settleTime is within what all must be the same again when nobody asks any more.
const settleTime = 60 * time.Second

// settle waits until everything is settled, compares what only running nodes know, and
// stops them.
func (r *run) settle(ctx context.Context) error {
	r.log("everything is healed; waiting until all is settled")
	if err := r.mustAgree(ctx); err != nil {
		return err
	}
	r.checkOrders(ctx)
	r.checkLeaks(ctx)
	r.unsupervise()
	for _, p := range r.stage.all() {
		r.report.Starts[p.name] = p.starts
		if !p.isDead() {
			if err := p.stop(); err != nil {
				r.report.Verdict.wrong("stop", "%v", err)
			}
		}
	}
	return nil
}

// mustAgree waits until the replicas are equal (P8) and the provider's books and the
// orders are (P6).
func (r *run) mustAgree(ctx context.Context) error {
	problem := "nothing was compared"
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		if problem = r.differ(ctx); problem == "" {
			break
		}
	}
	if problem != "" {
		r.report.Verdict.wrong("P8", "not settled within %v: %s", settleTime, problem)
	}
	leader, err := r.stage.awaitLeader(ctx, RecoveryMax)
	if err != nil {
		return err
	}
	seller, err := r.stage.seller(leader)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(settleTime); ; time.Sleep(200 * time.Millisecond) {
		found, err := seller.Reconcile(ctx)
		if err == nil && found.Unsettled == 0 && len(found.Differences) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			r.report.Verdict.wrong("P6", "the provider's books and the orders: %+v, %v", found, err)
			return nil
		}
	}
}

// differ says how the voters differ; "" when they do not.
func (r *run) differ(ctx context.Context) string {
	first, err := r.stage.status(ctx, r.stage.nodes[0])
	r.report.Terms = max(r.report.Terms, first.Term)
	for _, n := range r.stage.voters()[1:] {
		status, failed := r.stage.status(ctx, n)
		err = errors.Join(err, failed)
		if err == nil && (status.Seq != first.Seq || status.StateHash != first.StateHash || status.JournalHash != first.JournalHash) {
			return fmt.Sprintf("%s is at %d with state %s, %s at %d with state %s", first.NodeID, first.Seq, first.StateHash, status.NodeID, status.Seq, status.StateHash)
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// check holds the history against the journals.
func (r *run) check(all []class) {
	v := &r.report.Verdict
	complete := ""
	for _, n := range r.stage.voters() {
		found, err := audit.Run(r.stage.journal(n), audit.Options{})
		if err != nil {
			v.wrong("audit", "%s: %v", n.name, err)
			continue
		}
		r.report.Audits[n.name] = fmt.Sprintf("%s: %d requests decided again", found.Verdict, found.Redecided)
		switch found.Verdict {
		case audit.VerdictClean:
			complete = r.stage.journal(n)
		case audit.VerdictFindings:
			v.wrong("audit", "%s: %d findings, such as %+v", n.name, found.FindingCount, found.Findings[0])
		}
	}
	r.report.Failpoints = r.crashedAt()
	r.history.checkAnswers(v)
	r.history.checkFIFO(v)
	r.history.checkKeys(v)
	if log, err := purchases(complete); complete == "" || err != nil {
		v.wrong("audit", "no journal is whole: %v", err)
	} else {
		r.report.Acknowledged = r.history.checkAcknowledged(log, v)
	}
	r.report.Linearity = r.history.checkLinear(v)
	r.judge(all)
}

// judge says whether enough happened.
func (r *run) judge(all []class) {
	o, h := r.report, r.history
	o.Seconds = time.Since(h.began).Seconds()
	o.Requests, o.Answered, o.Failures = len(h.operations), h.answered, h.failures
	o.RequestsPerSecond = float64(h.answered) / r.options.Duration.Seconds()
	if o.Strikes[crashAtPoint] > 0 && len(o.Failpoints) == 0 {
		o.Void = append(o.Void, "no process died at a failpoint")
	}
	for _, c := range all {
		if r.breaker.counts[c.name] == 0 {
			o.Void = append(o.Void, "no fault of the class "+c.name)
		}
	}
	if o.RequestsPerSecond < r.options.RequestsPerSecondMin {
		o.Void = append(o.Void, fmt.Sprintf("%.0f requests a second, fewer than %.0f", o.RequestsPerSecond, r.options.RequestsPerSecondMin))
	}
	if o.Linearity.Sales == 0 || o.Acknowledged == 0 {
		o.Void = append(o.Void, "nothing was checked")
	}
}

// Logs returns the paths of the processes' logs.
func Logs(dir string) []string {
	all, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	return all
}

// Clean unmounts and removes what a run left in its folder.
func Clean(dir string) error {
	for i := range nodeCount + 1 {
		_ = each(fmt.Sprintf("umount %s/n%d", dir, i+1)) // it may never have been mounted
	}
	return os.RemoveAll(dir)
}
