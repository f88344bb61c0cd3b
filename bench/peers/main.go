// Command peers measures onsale side by side with what people would build instead,
// behind the same buy of the HTTP contract.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"onsale/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := compare
	args := os.Args[1:]
	if len(args) == 2 && args[0] == frontCommand {
		run, args = serveFront, args[1:]
	}
	if err := run(ctx, args); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, args []string) error {
	o := bench.DefaultCompareOptions()
	o.Log = os.Stderr
	f := pflag.NewFlagSet("peers", pflag.ContinueOnError)
	onsale := f.String("onsale", "../../bin/onsale", "the onsale binary (make build)")
	f.IntSliceVar(&o.Rates, "rates", o.Rates, "arrivals a second of the open loops; none without")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "in each of which everybody is measured once")
	f.Uint64Var(&o.Buyers, "buyers", o.Buyers, "distinct buyers of the closed loop; 0 leaves it out")
	f.UintVar(&o.Tickets, "tickets", o.Tickets, "tickets that they find")
	f.DurationVar(&o.Steady, "steady", o.Steady, "how long each open loop lasts")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which everybody's temporary data goes")
	if err := f.Parse(args); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	shops := []bench.Shop{bench.NewOnsale(*onsale, 1), bench.NewOnsale(*onsale, 3)}
	for _, k := range peers {
		shops = append(shops, k.shop(program))
	}
	all, err := bench.Compare(ctx, o, shops)
	if all == nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return errors.Join(err, encoder.Encode(all))
}
