package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"onsale/api/challenge"
	"onsale/audit"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// BotsReport is what the runs came to.
type BotsReport struct {
	Machine string      `json:"machine"`
	Options BotsOptions `json:"-"`
	Runs    []BotsRun   `json:"runs"`
}

// BotsRun is one sale: honest buyers, and bots in most.
type BotsRun struct {
	Mode  string `json:"mode"`
	Round int    `json:"round"`

	// Millis is the honest buyers' latency: from the press, the connection and all
	// retries included, to the decision.
	Millis      map[string]float64 `json:"honest_latency_ms"`
	Honest      map[string]uint64  `json:"honest_outcomes"`
	Retries     uint64             `json:"honest_retries"`
	UnderAttack uint64             `json:"honest_pressed_under_attack"`

	Bots                 map[string]uint64 `json:"bot_outcomes"`
	BotConnections       uint64            `json:"bot_connections"`
	BotRequestsPerSecond float64           `json:"bot_requests_per_second"`
	Throttled            map[string]uint64 `json:"throttled"` // by the policy that refused
	Decided              uint64            `json:"decided"`   // requests that reached the line

	HonestTickets uint64 `json:"honest_tickets"` // in the journal
	BotTickets    uint64 `json:"bot_tickets"`
	OverCap       uint64 `json:"users_over_the_cap"`

	NodeMicrosecondsPerRequest float64     `json:"node_cpu_us_per_request"`
	LoadMicrosecondsPerRequest float64     `json:"load_cpu_us_per_request"`
	NodeMemoryBytes            int64       `json:"node_memory_bytes"`
	Audit                      AuditReport `json:"audit"`
}

// attack is one run under way.
type attack struct {
	options *BotsOptions
	mode    botsMode
	secret  []byte
	address string
	opens   time.Time
}

// leadIn is how long bots press before the sale opens.
const leadIn = 2 * time.Second

// sell lets both crowds in and gathers the numbers.
func (a *attack) sell(ctx context.Context, c *cluster) (*BotsRun, error) {
	answers, err := a.solve(ctx)
	if err != nil {
		return nil, err
	}
	a.opens = time.Now().Add(leadIn)
	sale := SaleOptions{Tickets: a.options.Tickets, RetryMax: 10 * time.Second, startsAt: &a.opens}
	node, _, err := sale.createSale(ctx, c, botsSale)
	if err != nil {
		return nil, err
	}
	before, err := observe(ctx, c, node)
	if err != nil {
		return nil, err
	}
	var bots botTally
	var attackers sync.WaitGroup
	if a.mode.attack {
		attackers.Go(func() { bots = a.press(ctx) })
	}
	honest := a.buy(ctx, answers)
	attackers.Wait()
	after, err := observe(ctx, c, node)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return a.report(&bots, honest, before, after), nil
}

const botsSale = "bots"

func (a *attack) report(bots *botTally, honest *honestTally, before, after *observation) *BotsRun {
	delta := func(name string) uint64 { return uint64(after.metrics[name] - before.metrics[name]) }
	r := &BotsRun{Mode: a.mode.name, Millis: millis(honest.latency), Honest: honest.outcomes, Retries: honest.retries,
		Bots: bots.outcomes, BotConnections: bots.connections, Throttled: map[string]uint64{}, Decided: delta("onsale_decisions_total")}
	for _, policy := range []string{"user", "address"} {
		r.Throttled[policy] = delta(`onsale_throttled_total{policy="` + policy + `"}`)
	}
	requests := float64(honest.latency.TotalCount()) + float64(honest.retries)
	for _, n := range bots.outcomes {
		requests += float64(n)
	}
	if a.mode.attack {
		r.BotRequestsPerSecond = float64(a.options.Requests) / bots.ended.Sub(bots.began).Seconds()
		for _, pressed := range honest.pressed {
			if pressed.Before(bots.ended) {
				r.UnderAttack++
			}
		}
	}
	r.NodeMicrosecondsPerRequest = (after.leaderCPU - before.leaderCPU).Seconds() * 1e6 / requests
	r.LoadMicrosecondsPerRequest = (after.loadCPU - before.loadCPU).Seconds() * 1e6 / requests
	r.NodeMemoryBytes = after.leaderBytes
	return r
}

// solve returns the honest buyers' answers to their challenges, which a page works
// out while its buyer waits for the sale. Bots show none.
func (a *attack) solve(ctx context.Context) ([]string, error) {
	answers := make([]string, a.options.Buyers)
	if !a.mode.gate {
		return answers, nil
	}
	gate, err := challenge.NewWork(challenge.WorkConfig{Secret: a.secret, DifficultyBits: a.options.ChallengeBits, Window: challenge.DefaultWindow})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for i := range answers {
		c := gate.Issue(fmt.Sprint(buyerPrefix, i), now)
		if answers[i], err = challenge.Solve(ctx, c.Text, c.DifficultyBits); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// books audits the journal, and counts in it who got how much.
func (r *BotsRun) books(o *BotsOptions, n *node) error {
	dir := filepath.Join(n.dataDir, "journal")
	found, err := audit.Run(dir, audit.Options{})
	if err != nil {
		return err
	}
	r.Audit = auditOf(n.id, found)
	tickets, err := ticketsOf(dir)
	if err != nil {
		return err
	}
	for user, count := range tickets {
		if bytes.HasPrefix([]byte(user), []byte(botPrefix)) {
			r.BotTickets += count
		} else {
			r.HonestTickets += count
		}
		if count > capOfSale {
			r.OverCap++
		}
	}
	return nil
}

// capOfSale is the cap of the sales that are created here.
const capOfSale = 2

// ticketsOf returns how many tickets each user holds after a journal in which nothing
// comes back.
func ticketsOf(dir string) (map[string]uint64, error) {
	tickets := map[string]uint64{}
	var batch sequencer.Batch
	var decisions sequencer.Decisions
	_, err := journal.Scan(dir, func(b *journal.Block) error {
		if err := sequencer.DecodeBatch(b.Batch, &batch); err != nil {
			return err
		}
		if err := sequencer.DecodeDecisions(b.Decisions, batch.Commands, &decisions); err != nil {
			return err
		}
		for i := range batch.Commands {
			c, result := &batch.Commands[i], &decisions.Results[i]
			if c.Kind == sequencer.KindBuy && !result.Replayed && result.State == sequencer.StateReserved {
				tickets[string(c.User)] += uint64(result.Quantity)
			}
		}
		return nil
	})
	return tickets, err
}

// Exact returns nil when no cap was broken, no ticket sold twice, and every audit is
// clean.
func (r *BotsReport) Exact() error {
	for i := range r.Runs {
		run := &r.Runs[i]
		if run.OverCap > 0 || run.HonestTickets+run.BotTickets > uint64(r.Options.Tickets) || run.Audit.Verdict != string(audit.VerdictClean) {
			return fmt.Errorf("%w: round %d, %s: %d users over the cap, %d tickets of %d, the audit says %q", errInexact,
				run.Round, run.Mode, run.OverCap, run.HonestTickets+run.BotTickets, r.Options.Tickets, run.Audit.Verdict)
		}
	}
	return nil
}

// Print writes the medians of each kind of run as a table, and sums of who was told what.
func (r *BotsReport) Print(w io.Writer) {
	o := &r.Options
	fmt.Fprintf(w, "machine     %s\nsetting     %d honest buyers within %v; %d bots, %d requests from %d addresses in %d networks over %d connections; %d tickets\n\n",
		r.Machine, o.Buyers, o.Over, o.Bots, o.Requests, o.Addresses, o.Networks, o.Connections, o.Tickets)
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0
	header := table.Row{"medians of " + fmt.Sprint(o.Rounds)}
	for _, p := range percentiles {
		header = append(header, p.name+" ms")
	}
	t.AppendHeader(append(header, "retries", "honest tickets", "bots' tickets", "over cap", "bots' requests/s", "decided", "node CPU µs"))
	for _, mode := range o.modes() {
		t.AppendRow(r.row(mode.name))
	}
	fmt.Fprintln(w, t.Render())
	for _, mode := range o.modes() {
		honest, bots, throttled := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
		for _, run := range r.of(mode.name) {
			add(honest, run.Honest)
			add(bots, run.Bots)
			add(throttled, run.Throttled)
		}
		fmt.Fprintf(w, "%s, all rounds: honest %v; bots %v; throttled by %v\n", mode.name, honest, bots, throttled)
	}
	for i := range r.Runs {
		fmt.Fprintf(w, "audit of round %d, %s: %s, %d requests decided again\n", r.Runs[i].Round, r.Runs[i].Mode, r.Runs[i].Audit.Verdict, r.Runs[i].Audit.Requests)
	}
}

func add(to, from map[string]uint64) {
	for name, n := range from {
		to[name] += n
	}
}

func (r *BotsReport) of(mode string) (runs []*BotsRun) {
	for i := range r.Runs {
		if r.Runs[i].Mode == mode {
			runs = append(runs, &r.Runs[i])
		}
	}
	return runs
}

func (r *BotsReport) row(mode string) table.Row {
	runs := r.of(mode)
	median := func(value func(*BotsRun) float64) float64 { return medianOf(runs, value) }
	row := table.Row{mode}
	for _, p := range percentiles {
		row = append(row, fmt.Sprintf("%.1f", median(func(b *BotsRun) float64 { return b.Millis[p.name] })))
	}
	for _, value := range []func(*BotsRun) float64{
		func(b *BotsRun) float64 { return float64(b.Retries) }, func(b *BotsRun) float64 { return float64(b.HonestTickets) },
		func(b *BotsRun) float64 { return float64(b.BotTickets) }, func(b *BotsRun) float64 { return float64(b.OverCap) },
		func(b *BotsRun) float64 { return b.BotRequestsPerSecond }, func(b *BotsRun) float64 { return float64(b.Decided) },
		func(b *BotsRun) float64 { return b.NodeMicrosecondsPerRequest },
	} {
		row = append(row, fmt.Sprintf("%.0f", median(value)))
	}
	return row
}

// medianOf returns the middle value of some runs; 0 of none.
func medianOf[T any](runs []T, value func(T) float64) float64 {
	var values []float64
	for _, run := range runs {
		values = append(values, value(run))
	}
	return Median(values)
}
