package bench

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
)

// Print writes the comparison as tables.
func (c *Comparison) Print(w io.Writer) {
	fmt.Fprintf(w, "machine     %s; load of the machine %s before, %s after\nsetting     %s, %d rounds, medians; %d buyers, %d tickets, %d connections\n\n",
		c.Machine, c.LoadBefore, c.LoadAfter, c.Started.Format("2006-01-02"), c.Rounds, c.Buyers, c.Tickets, c.Connections)
	if c.Buyers > 0 {
		c.printPeak(w)
		c.printRatios(w)
	}
	c.printSteady(w)
	c.printChecks(w)
}

func newTable(header table.Row) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(header)
	return t
}

func (c *Comparison) printPeak(w io.Writer) {
	t := newTable(table.Row{"", "", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "servers' CPU us", "load's CPU us"})
	for i := range c.Contestants {
		s := &c.Contestants[i]
		for _, phase := range []struct {
			name string
			cost *PhaseCost
		}{{"selling", &s.Selling}, {"sold out", &s.SoldOut}} {
			m := phase.cost.Millis
			t.AppendRow(table.Row{s.Name, phase.name, fmt.Sprintf("%.0f", phase.cost.Rate), fixed(m["p50"]), fixed(m["p99"]), fixed(m["p99.9"]),
				fixed(phase.cost.ServerMicroseconds), fixed(phase.cost.LoadMicroseconds)})
		}
	}
	fmt.Fprintln(w, t.Render())
}

func (c *Comparison) printRatios(w io.Writer) {
	t := newTable(table.Row{"onsale against", "", "requests/s, selling", "sold out", "servers' CPU, selling", "sold out"})
	for _, r := range c.Ratios {
		t.AppendRow(table.Row{r.To, r.Of, fixed(r.Selling), fixed(r.SoldOut), fixed(r.SellingByCPU), fixed(r.SoldOutByCPU)})
	}
	fmt.Fprintln(w, t.Render())
}

func (c *Comparison) printSteady(w io.Writer) {
	t := newTable(table.Row{"open loop", "", "arrivals/s", "p50 ms", "p99 ms", "p99.9 ms", "servers' CPU us", "unanswered"})
	for i := range c.Contestants {
		for _, s := range c.Contestants[i].Steady {
			t.AppendRow(table.Row{c.Contestants[i].Name, s.Phase, s.Rate, fixed(s.Millis["p50"]), fixed(s.Millis["p99"]), fixed(s.Millis["p99.9"]),
				fixed(s.ServerMicroseconds), s.Unanswered})
		}
	}
	if t.Length() > 0 {
		fmt.Fprintln(w, t.Render())
	}
}

// printChecks says what was checked of each shop, and what it broke.
func (c *Comparison) printChecks(w io.Writer) {
	for i := range c.Contestants {
		s := &c.Contestants[i]
		if s.Ceiling {
			fmt.Fprintf(w, "%-28s constant answers, nothing to check\n", s.Name)
			continue
		}
		var sequenced, broken int
		for j := range s.Rounds {
			sequenced += s.Rounds[j].Order.Sequenced
			if s.Rounds[j].Wrong != "" {
				broken++
				fmt.Fprintf(w, "%-28s round %d: %s\n", s.Name, j+1, s.Rounds[j].Wrong)
			}
		}
		fmt.Fprintf(w, "%-28s count, cap, keys and order kept in %d of %d rounds; %d answers with a place\n", s.Name, len(s.Rounds)-broken, len(s.Rounds), sequenced)
	}
}

func fixed(v float64) string { return fmt.Sprintf("%.2f", v) }
