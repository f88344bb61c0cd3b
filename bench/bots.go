package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"onsale/api"
)

// BotsOptions says which attack to run beside which honest crowd, all of it on this
// machine.
type BotsOptions struct {
	Program    string
	DataParent string
	Rounds     int // all kinds of runs in turn, so often

	Bots        int    // users
	Requests    uint64 // of all bots together
	PerSecond   int    // of these requests; 0 for as fast as they are answered
	Addresses   int    // that they come from in turn
	Networks    int    // /24s that these addresses lie in
	Connections int    // that they hold open
	RequestsPer int    // of one connection, then the next address's turn comes
	Quantity    int    // tickets that each request of theirs asks for

	Buyers  int           // the honest: each of an address of its own, who presses once
	Over    time.Duration // in which they press, from the opening on
	Tickets uint32

	AddressRequestsPerSecond float64 // the limit of a /24; a user's is the server's default
	ChallengeBits            int     // of the runs with a gate
	Log                      io.Writer
}

// DefaultBotsOptions is the attack that the project is held to.
func DefaultBotsOptions() BotsOptions {
	return BotsOptions{Rounds: 3, Bots: 1000, Requests: 1_000_000, Addresses: 10_000, Networks: 10_000, Connections: 512, RequestsPer: 20, Quantity: 2,
		Buyers: 10_000, Over: 10 * time.Second, Tickets: 6000, AddressRequestsPerSecond: 100, ChallengeBits: 12, Log: io.Discard}
}

// networksMax is how many /24s there are for each of the two crowds in 127.0.0.0/8.
const networksMax = 64 << 8

// Validate returns ErrOptions when an option breaks its bound.
func (o *BotsOptions) Validate() error {
	switch {
	case o.Rounds < 1 || o.Rounds > 20:
		return fmt.Errorf("%w: %d rounds, allowed are 1 to 20", ErrOptions, o.Rounds)
	case o.Bots < 1 || o.Requests < 1 || o.Requests > 100_000_000 || o.RequestsPer < 1:
		return fmt.Errorf("%w: at least one bot and one request a connection, 1 to 100 million requests", ErrOptions)
	case o.PerSecond < 0 || o.PerSecond > 1_000_000:
		return fmt.Errorf("%w: %d requests of bots a second, allowed are 0 to 1000000", ErrOptions, o.PerSecond)
	case o.Networks < 1 || o.Networks > networksMax || o.Addresses < o.Networks || o.Addresses > o.Networks*hostsPerNetwork:
		return fmt.Errorf("%w: %d addresses in %d networks, allowed are 1 to %d networks with 1 to %d addresses each", ErrOptions, o.Addresses, o.Networks, networksMax, hostsPerNetwork)
	case o.Connections < 1 || o.Connections > 10_000:
		return fmt.Errorf("%w: %d connections, allowed are 1 to 10000", ErrOptions, o.Connections)
	case o.Quantity < 1 || o.Quantity > 2:
		return fmt.Errorf("%w: quantity is %d, allowed is 1 or 2", ErrOptions, o.Quantity)
	case o.Buyers < 1 || o.Buyers > networksMax*honestPerNetwork || o.Tickets < 1 || o.Over <= 0 || o.Over > time.Minute:
		return fmt.Errorf("%w: 1 to %d buyers, at least one ticket, up to a minute", ErrOptions, networksMax*honestPerNetwork)
	}
	return nil
}

// botsMode is one kind of run.
type botsMode struct {
	name   string
	attack bool
	gate   bool
	flags  []string // of the node
}

func (o *BotsOptions) modes() []botsMode {
	unlimited := []string{"--user-requests-per-second", "0"}
	user := strconv.FormatFloat(api.DefaultConfig().UserRequestsPerSecond, 'f', -1, 64)
	address := strconv.FormatFloat(o.AddressRequestsPerSecond, 'f', -1, 64)
	limited := []string{"--user-requests-per-second", user, "--address-requests-per-second", address}
	gated := append([]string{"--challenge-bits", strconv.Itoa(o.ChallengeBits)}, limited...)
	return []botsMode{
		{"no bots", false, false, unlimited},
		{"no limits", true, false, unlimited},
		{"limits", true, false, limited},
		{"limits, gate", true, true, gated},
	}
}

// botsRunMax bounds one run, the wait for its last bot included.
const botsRunMax = 10 * time.Minute

// RunBots lets bots and honest buyers at the same sale, without and with what holds
// bots back, and returns what both got. Every run has a node of its own; it leaves no
// process behind.
func RunBots(ctx context.Context, o BotsOptions) (*BotsReport, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	report := &BotsReport{Machine: machine(), Options: o}
	for round := range o.Rounds {
		for _, mode := range o.modes() {
			run, err := o.run(ctx, mode)
			if err != nil {
				return report, fmt.Errorf("%s: %w", mode.name, err)
			}
			run.Round = round + 1
			fmt.Fprintf(o.Log, "round %d, %-12s honest p50 %.1f ms, p99 %.1f ms, %d tickets; bots %d tickets, %.0f requests/s\n",
				run.Round, run.Mode, run.Millis["p50"], run.Millis["p99"], run.HonestTickets, run.BotTickets, run.BotRequestsPerSecond)
			report.Runs = append(report.Runs, *run)
		}
	}
	return report, nil
}

// run is one sale on a node of its own.
func (o *BotsOptions) run(ctx context.Context, mode botsMode) (_ *BotsRun, err error) {
	ctx, cancel := context.WithTimeout(ctx, botsRunMax)
	defer cancel()
	secret := randomSecret()
	c, err := startCluster(ctx, o.Program, o.DataParent, 1, secret, mode.flags...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	a := &attack{options: o, mode: mode, secret: secret, address: c.nodes[0].http}
	run, err := a.sell(ctx, c)
	if err = errors.Join(err, c.terminate()); err != nil {
		return nil, err
	}
	return run, run.books(o, c.nodes[0])
}
