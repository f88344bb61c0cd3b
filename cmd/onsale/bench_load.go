package main

import (
	"github.com/spf13/cobra"

	"onsale/bench"
)

// newBenchLoad sends load to servers that run already.
func newBenchLoad(p *program) *cobra.Command {
	o := bench.DefaultLoadOptions()
	var secretFile string
	c := &cobra.Command{Use: "load", Args: arguments(cobra.NoArgs),
		Short: "Send buys to a server that runs, and say how long each waited",
		Long: `Sends buys of distinct buyers, each with a token and an idempotency key of their own, to
servers that speak the buy of the HTTP contract, ours or others, and tells throughput and
latency while selling and when sold out, always apart: the second begins with the first
buyer who is refused as sold out.

Without --rate the loop is closed: each of --connections sends the next buyer's request
when the last one was answered. That finds the peak. It says little about waiting, because
a server that stalls for a second is sent nothing meanwhile: the second counts once for
each connection, and not for all the buyers who would have come in it. That is called
coordinated omission, and it makes tails look a hundred times shorter than they are.

With --rate the loop is open: when each buyer arrives is fixed before, however long the
answers take, and latency runs from that instant. A buyer who finds no free connection
waits for one, and the wait counts. Use it for latency, at rates below the peak; at rates
above it the wait grows for as long as the run lasts. This process may be late itself:
its lag is told, and is part of the latencies.

The sale must have been made with --test: at any other sale of onsale people buy, and it is
refused with 3. Nobody pays for what a test sells under an account that moves money.

The first --warm-up of the run is sent and not counted. A request failed when it got no
decision: no connection, no answer within --timeout, or a status that is neither 200 nor
202. Failures count as failed, never in latencies.`,
		Example: `  onsale bench load --http 127.0.0.1:8101 --sale rehearsal --connections 256
  onsale bench load --http 127.0.0.1:8101 --sale rehearsal --rate 5000 --duration 60s`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Secret, err = readSecret(secretFile); err != nil {
				return err
			}
			show, end := p.progress()
			o.Progress = show
			report, err := bench.RunLoad(c.Context(), o)
			end()
			if err != nil {
				return err
			}
			return p.printBench(report)
		}}
	f := c.Flags()
	f.StringSliceVar(&o.Addresses, "http", nil, "buyers' listeners, host:port; connections are spread over several")
	f.StringVar(&o.Sale, "sale", "", "sale to buy from; the only one when there is one")
	f.IntVar(&o.Quantity, "quantity", o.Quantity, "tickets that each buyer asks for")
	f.IntVar(&o.Connections, "connections", o.Connections, connectionsHelp)
	f.IntVar(&o.Rate, "rate", 0, "buyers that arrive a second, at times fixed before (open loop); 0 for a closed loop")
	f.DurationVar(&o.Duration, "duration", o.Duration, "time in which buyers come, warm-up included")
	f.Uint64Var(&o.Requests, "requests", 0, "buyers at most; 0 for as many as there is time for")
	f.DurationVar(&o.WarmUp, "warm-up", o.WarmUp, "how long at the beginning nothing is counted")
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "time that a request may take before it counts as failed")
	f.DurationVar(&o.RetryMax, "retry-max", 0,
		"how long a buyer without a decision tries again with the same key; 0 for a single try")
	f.Uint64Var(&o.First, "first-buyer", 0,
		"number before the first buyer's; 0 for the time of day, so that each run has buyers of its own")
	f.StringVar(&secretFile, "secret-file", envOr("ONSALE_SECRET_FILE", "data/token-secret"), secretFileHelp)
	return c
}
