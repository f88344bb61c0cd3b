package main

import (
	"os"

	"github.com/spf13/cobra"

	"onsale/bench"
)

func newBenchBots(p *program) *cobra.Command {
	o := bench.DefaultBotsOptions()
	c := &cobra.Command{Use: "bots", Short: "Let bots and honest buyers at one sale, without and with the limits", Args: arguments(cobra.NoArgs),
		Long: `Sells the same tickets several times in turn, each time on a node of its own: to honest
buyers alone, to them and bots without limits, with limits, and with limits and a gate
whose work the bots do not do. Bots come from many loopback addresses, press before the
sale opens, go on as fast as they are answered, and change addresses and keys. It tells
how long the honest waited and who got the tickets, by the audited journal.`,
		Example: "  onsale bench bots\n  onsale bench bots --networks 40",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return err
			}
			o.Log = p.err
			report, err := bench.RunBots(c.Context(), o)
			if err != nil {
				return err
			}
			if err := p.printBench(report); err != nil {
				return err
			}
			return report.Exact()
		}}
	f := c.Flags()
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "how often all kinds of runs are made, in turn")
	f.IntVar(&o.Bots, "bots", o.Bots, "users that are bots")
	f.Uint64Var(&o.Requests, "requests", o.Requests, "requests of all bots in a run")
	f.IntVar(&o.PerSecond, "bots-per-second", o.PerSecond, "requests of all bots a second, as far as they are answered in time; 0 for as fast as they are answered")
	f.IntVar(&o.Addresses, "addresses", o.Addresses, "addresses that bots come from")
	f.IntVar(&o.Networks, "networks", o.Networks, "networks (/24) in which the addresses of bots lie: as many as addresses is a botnet, few are rented machines")
	f.IntVar(&o.Connections, "connections", o.Connections, "bots' connections at a time")
	f.IntVar(&o.RequestsPer, "requests-per-connection", o.RequestsPer, "requests after which a bot's connection is given up for one from the next address")
	f.IntVar(&o.Quantity, "quantity", o.Quantity, "tickets that a bot asks for, 1 or 2")
	f.IntVar(&o.Buyers, "buyers", o.Buyers, "honest buyers, who press once for one ticket and retry when told to")
	f.DurationVar(&o.Over, "over", o.Over, "in which the honest press, from the opening on")
	f.Uint32Var(&o.Tickets, "tickets", o.Tickets, "tickets for sale")
	f.Float64Var(&o.AddressRequestsPerSecond, "address-requests-per-second", o.AddressRequestsPerSecond, "requests a second of a network at most, in the runs with limits; 0 for no limit")
	f.IntVar(&o.ChallengeBits, "challenge-bits", o.ChallengeBits, "bits of work for each buy, in the runs with a gate")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which the temporary data goes")
	return c
}
