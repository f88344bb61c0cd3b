// Command peers measures onsale side by side with what people would build instead,
// behind the same buy of the HTTP contract.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"onsale/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := compare
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "front" {
		run, args = serveFront, args[1:]
	}
	if err := run(ctx, args); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context, args []string) error {
	o := bench.DefaultCompareOptions()
	o.Log = os.Stderr
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	onsale := f.String("onsale", "../../bin/onsale", "the onsale binary (make build)")
	only := f.String("only", "", "only what has one of these words in its name, with commas between them")
	rates := f.String("rates", joinRates(o.Rates), "arrivals a second of the open loops")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "in each of which everybody is measured once")
	f.Uint64Var(&o.Buyers, "buyers", o.Buyers, "distinct buyers of the closed loop; 0 leaves it out")
	tickets := f.Uint("tickets", uint(o.Tickets), "tickets that they find")
	f.IntVar(&o.Connections, "connections", o.Connections, "keep-alive connections, one request at a time each")
	f.DurationVar(&o.Steady, "steady", o.Steady, "how long each open loop lasts; 0 leaves them out")
	f.StringVar(&o.DataParent, "data-parent", "", "folder below which everybody's temporary data goes")
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if o.Rates, err = splitRates(*rates); err != nil {
		return err
	}
	o.Tickets = uint32(min(*tickets, 1<<31))
	shops, err := chosen(*onsale, *only)
	if err != nil {
		return err
	}
	c, wrong := bench.Compare(ctx, o, shops)
	if c == nil {
		return wrong
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return errors.Join(wrong, encoder.Encode(c))
}

// chosen returns the shops whose names have one of the words.
func chosen(onsale, words string) ([]bench.Shop, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	shops := []bench.Shop{bench.NewOnsale(onsale, 1), bench.NewOnsale(onsale, 3)}
	for _, k := range peers {
		shops = append(shops, k.shop(program))
	}
	shops = slices.DeleteFunc(shops, func(s bench.Shop) bool {
		return !slices.ContainsFunc(strings.Split(words, ","), func(word string) bool { return strings.Contains(s.Name, word) })
	})
	if len(shops) == 0 {
		return nil, fmt.Errorf("%w: nobody has %q in the name", bench.ErrOptions, words)
	}
	return shops, nil
}

func splitRates(text string) ([]int, error) {
	var rates []int
	for word := range strings.SplitSeq(text, ",") {
		rate, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("%w: rates are numbers with commas between them, not %q", bench.ErrOptions, text)
		}
		rates = append(rates, rate)
	}
	return rates, nil
}

func joinRates(rates []int) string {
	var words []string
	for _, rate := range rates {
		words = append(words, strconv.Itoa(rate))
	}
	return strings.Join(words, ",")
}
