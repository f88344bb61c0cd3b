package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onsale/internal/failpoint"
	"onsale/payment"
	"onsale/payment/sandbox"
)

// PaymentsOptions says how often which process is killed while orders are paid.
type PaymentsOptions struct {
	Program    string
	DataParent string
	// Runs is how often each kind of process (leader, front-end, provider) is killed,
	// spread over its places in the protocol.
	Runs int
	// Only limits the places to those of one process, or to one step; "" for all.
	Only   string
	Buyers int    // who buy and pay at once
	Seed   uint64 // of what buyers do
	Log    io.Writer
}

// DefaultPaymentsOptions is the crash matrix.
func DefaultPaymentsOptions() PaymentsOptions {
	return PaymentsOptions{Runs: 200, Buyers: 8, Seed: 1, Log: io.Discard}
}

// PaymentsReport is what the crashes came to.
type PaymentsReport struct {
	Machine string          `json:"machine"`
	Places  []PaymentsPlace `json:"places"`
	Audits  []AuditReport   `json:"audits"`
}

// PaymentsPlace is what the crashes at one place of the protocol came to.
type PaymentsPlace struct {
	Process string `json:"process"` // leader, front-end or provider
	Step    string `json:"step"`
	Kills   int    `json:"kills"`
	Told    struct {
		Accepted, Rejected, Pending, Unknown, Refunded, NotTaken int
	} `json:"told"`
	Charges     int                  `json:"charges"` // in the provider's books, over all places so far
	Differences []payment.Difference `json:"differences"`
	Wrong       []string             `json:"wrong"` // orders that are not as their buyers were told
}

// place is one place at which processes die.
type place struct {
	process, step string
	point         failpoint.Name
}

func places() []place {
	var all []place
	for _, step := range payment.Steps() {
		all = append(all, place{"leader", string(step), failpoint.Payment + failpoint.Name(step)})
	}
	for _, point := range []failpoint.Name{failpoint.PaymentAsked, failpoint.PaymentAnswered} {
		all = append(all, place{"front-end", strings.TrimPrefix(string(point), string(failpoint.Payment)), point})
	}
	for _, step := range sandbox.Steps() {
		all = append(all, place{"provider", string(step), failpoint.Provider + failpoint.Name(step)})
	}
	return all
}

// kills returns how often each place is struck, so that each kind of process dies runs
// times.
func kills(runs int) map[place]int {
	count, of := map[place]int{}, map[string]int{}
	for _, p := range places() {
		of[p.process]++
	}
	for _, p := range places() {
		count[p] = (runs + of[p.process] - 1) / of[p.process]
	}
	return count
}

// stage is the processes of a run.
type stage struct {
	*cluster
	options  PaymentsOptions
	children map[string]*child // the nodes by id, "front-end" and "provider"
	frontEnd string            // its buyers' address
	provider string            // the sandbox' address
	money    []byte            // its secret
	secret   []byte
	random   *mathrand.Rand // when processes die
}

// RunPayments kills processes of a temporary cluster while orders are paid, and
// compares the provider's books with the orders. It leaves no process behind.
func RunPayments(ctx context.Context, o PaymentsOptions) (_ *PaymentsReport, err error) {
	if o.Runs < 1 || o.Buyers < 1 {
		return nil, fmt.Errorf("%w: at least one run and one buyer", ErrOptions)
	}
	if !failpoint.Built {
		return nil, fmt.Errorf("%w: processes die at named places only in a program with failpoints (make broken)", ErrOptions)
	}
	s, err := newStage(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end(), os.RemoveAll(s.dir)) }()
	report := &PaymentsReport{Machine: machine()}
	count := kills(o.Runs)
	for _, p := range places() {
		if o.Only != "" && o.Only != p.process && o.Only != p.step {
			continue
		}
		began := time.Now()
		result, err := s.strike(ctx, p, count[p])
		if err != nil {
			return report, fmt.Errorf("%s at %s: %w%s", p.process, p.step, err, s.lastLogs())
		}
		report.Places = append(report.Places, *result)
		fmt.Fprintf(o.Log, "%-9s %-10s %3d kills in %.0f s: %+v, %d differences, %d wrong\n", p.process, p.step, result.Kills, time.Since(began).Seconds(),
			result.Told, len(result.Differences), len(result.Wrong))
		for _, wrong := range result.Wrong {
			fmt.Fprintln(o.Log, "  wrong:", wrong)
		}
	}
	if err := s.end(); err != nil {
		return report, err
	}
	report.Audits, err = s.audit(o.Log)
	return report, err
}

func newStage(o PaymentsOptions) (*stage, error) {
	dir, err := os.MkdirTemp(o.DataParent, "onsale-bench-")
	if err != nil {
		return nil, err
	}
	s := &stage{cluster: &cluster{dir: dir, secretFile: filepath.Join(dir, "secret")}, options: o, children: map[string]*child{},
		random: mathrand.New(mathrand.NewPCG(o.Seed, 0))}
	s.secret, s.money = randomSecret(), randomSecret()
	err = errors.Join(os.WriteFile(s.secretFile, s.secret, 0o600), os.WriteFile(filepath.Join(dir, "money"), s.money, 0o600), s.plan(5, s.secret))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// Two of the planned nodes lend their ports to the front-end and the provider.
	s.frontEnd, s.provider = s.nodes[3].http, s.nodes[4].http
	doors := s.nodes[3].private
	s.nodes = s.nodes[:3]
	for _, n := range s.nodes {
		s.add(n.id, "serve", "--data-dir", n.dataDir, "--node-id", n.id, "--http", n.http, "--private", n.private, "--peer", n.peer,
			"--secret-file", s.secretFile, "--join", strings.Join(s.peers(), ","), "--bootstrap-expect", "3", "--user-requests-per-second", "0",
			"--payment", "sandbox", "--payment-url", "http://"+s.provider, "--payment-secret-file", filepath.Join(dir, "money"))
	}
	s.add("front-end", "frontend", "--cluster", strings.Join(s.peers(), ","), "--http", s.frontEnd, "--private", doors, "--secret-file", s.secretFile, "--user-requests-per-second", "0")
	s.add("provider", "sandbox", "--listen", s.provider, "--books", filepath.Join(dir, "books.jsonl"), "--payment-secret-file", filepath.Join(dir, "money"),
		"--webhook", "http://"+s.frontEnd)
	return s, nil
}

func (s *stage) add(name string, args ...string) {
	s.children[name] = &child{program: s.options.Program, args: args, logPath: filepath.Join(s.dir, name+".log"), pointFile: filepath.Join(s.dir, name+".failpoint")}
}

// begin starts all processes, those of one kind with a place to die at.
func (s *stage) begin(ctx context.Context, p place) error {
	for name, c := range s.children {
		kind := name
		if name != "front-end" && name != "provider" {
			kind = "leader"
		}
		err := c.stayAlive()
		if kind == p.process {
			err = c.dieAt(p.point, s.passes())
		}
		if err = errors.Join(err, c.start()); err != nil {
			return err
		}
	}
	if _, err := s.leader(ctx); err != nil {
		return err
	}
	return s.open(ctx)
}

// passesMax bounds how often a place is passed before a process dies there.
const passesMax = 12

// passes draws when a process dies at a place: the first time that it comes by, or later.
func (s *stage) passes() int { return 1 + s.random.IntN(passesMax) }

// end stops all processes.
func (s *stage) end() error {
	var errs []error
	for _, c := range s.children {
		errs = append(errs, c.end())
	}
	return errors.Join(errs...)
}

// reconciled waits until nothing is unsettled and returns what differs then.
func (s *stage) reconciled(ctx context.Context) (*payment.Reconciliation, error) {
	found, least := new(payment.Reconciliation), int(^uint(0)>>1)
	for progress := time.Now(); time.Since(progress) < settleTime && ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		leader, err := s.leader(ctx)
		if err != nil {
			return nil, err
		}
		text, err := leader.get(ctx, "/v1/payments/reconciliation")
		if err == nil {
			err = json.Unmarshal(text, found)
		}
		switch {
		case err == nil && found.Unsettled == 0:
			return found, nil
		case err == nil && found.Unsettled < least:
			least, progress = found.Unsettled, time.Now()
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("no payment was settled for %v: %+v", settleTime, found)
}

// settleTime is for how long there may be no progress in settling payments.
const settleTime = time.Minute

// charges reads the provider's books.
func (s *stage) charges(ctx context.Context) (map[string][]payment.Entry, error) {
	client, err := sandbox.NewClient("http://"+s.provider, s.money)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	byOrder := map[string][]payment.Entry{}
	for cursor := ""; ; {
		entries, next, err := client.Ledger(ctx, cursor, 1000)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			byOrder[e.Order] = append(byOrder[e.Order], e)
		}
		if cursor = next; cursor == "" {
			return byOrder, nil
		}
	}
}
