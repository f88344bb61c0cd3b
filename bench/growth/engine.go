package growth

import (
	"context"
	"fmt"
	"io"

	"onsale/bench/result"
	"onsale/sequencer"
)

// sample is how many decisions are timed at one size, and fewer where they would change
// the size themselves.
const sample = 400_000

// grown is how many decisions are timed at a size that they make larger.
func grown(size int) int { return max(batchCommands, min(sample, size/2)) }

// sizes are powers of ten from the first to the last, both included.
func sizes(first, last int) (all []int) {
	for size := first; size <= last; size *= 10 {
		all = append(all, size)
	}
	return all
}

// smallest is where most curves begin.
const smallest = 10_000

// study is one thing that grows.
type study struct {
	what  string
	sizes []int
	// measure adds the points of one size to the curves.
	measure func(size int, costs, memory *lines) error
	// costs and memory are the curves without their series; no name, no curve.
	costs, memory result.Curve
}

func (s *study) run(ctx context.Context, log io.Writer) ([]result.Curve, error) {
	var costs, memory lines
	for _, size := range s.sizes {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fmt.Fprintf(log, "%s: %d\n", s.what, size)
		if err := s.measure(size, &costs, &memory); err != nil {
			return nil, fmt.Errorf("%s at %d: %w", s.what, size, err)
		}
	}
	var curves []result.Curve
	for _, c := range []struct {
		curve result.Curve
		lines *lines
	}{{s.costs, &costs}, {s.memory, &memory}} {
		if c.curve.Name != "" {
			c.curve.Series = c.lines.series()
			curves = append(curves, c.curve)
		}
	}
	return curves, nil
}

func axis(label, unit string) result.Axis { return result.Axis{Label: label, Unit: unit, Log: true} }

// Names of curves that plans are made from.
const (
	MemoryByBuyers  = "Memory by buyers"
	MemoryByHolders = "Memory by holders"
	MemoryByWaiting = "Memory by waiting orders"
	TimeByJournal   = "Time by journal length"
	BytesByJournal  = "Bytes by journal length"

	LeaderByFrontEnds = leaderBy + "front-ends"
)

// costOf and memoryOf begin a curve of the rules.
func costOf(what, unit, note string) result.Curve {
	return result.Curve{Name: "CPU time by " + what, X: axis(what, unit), Y: axis("CPU time of one", "ns"), Note: note}
}

func memoryOf(what, unit, note string) result.Curve {
	return result.Curve{Name: "Memory by " + what, X: axis(what, unit), Y: axis("heap", "bytes"), Note: note}
}

// engine are the studies of the rules, up to a largest size.
func engine(largest int) []study {
	return []study{
		{what: "buyers", sizes: sizes(smallest, largest), measure: byBuyers,
			costs:  costOf("buyers", "buyers", "A sale of 5,000 tickets; buyers come once, each with an idempotency key; the line is what one more refusal costs after so many."),
			memory: memoryOf("buyers", "buyers", "The same: what the state has in all. Refusals are remembered by their keys, the newest two to four million of them, so it stops growing there.")},
		{what: "tickets", sizes: sizes(1000, largest), measure: byTickets,
			costs: costOf("tickets", "tickets", "A sale is sold out by as many buyers as tickets; the mean of all its reservations, and what a refusal costs then.")},
		{what: "holders", sizes: sizes(smallest, largest), measure: byHolders,
			costs:  costOf("holders", "holders", "So many hold a ticket: one more, a refusal, a cancellation (one in twenty cancels, in no order), and holds that run out."),
			memory: memoryOf("holders", "holders", "The state with so many orders that hold a ticket, and what an order takes.")},
		{what: "waiting orders", sizes: append([]int{1}, sizes(1000, largest)...), measure: byWaiting,
			costs:  costOf("waiting orders", "orders", "So many wait: one more joins, one in four leaves from the middle, in no order, a returned ticket serves the head, and somebody asks for a place. 1 stands for an empty waitlist."),
			memory: memoryOf("waiting orders", "orders", "The state with so many waiting orders, and what an order takes.")},
		{what: "sales", sizes: sizes(1, largest/1000), measure: bySales,
			costs: costOf("sales", "sales", "Buys are spread evenly over so many open sales, in batches of 1,000 and of 1; and what creating the last of the sales cost.")},
	}
}

func byBuyers(size int, costs, memory *lines) error {
	o, c, refused := newOffice(), &crowd{keyed: true}, meter{}
	empty := heapBytes()
	const tickets = 5000
	if err := o.open(tickets, 0); err != nil {
		return err
	}
	if err := o.buys(nil, c, tickets, sequencer.CodeOK, sequencer.StateReserved); err != nil {
		return err
	}
	if err := o.buys(nil, c, size-tickets, sequencer.CodeSoldOut, sequencer.StateNone); err != nil {
		return err
	}
	memory.add("state", float64(size), heapBytes()-empty)
	if err := o.buys(&refused, c, grown(size), sequencer.CodeSoldOut, sequencer.StateNone); err != nil {
		return err
	}
	costs.add("refusal", float64(size), refused.each())
	return nil
}

func byTickets(size int, costs, _ *lines) error {
	o, c, sold, refused := newOffice(), &crowd{}, meter{}, meter{}
	if err := o.open(uint32(size), 0); err != nil {
		return err
	}
	if err := o.buys(&sold, c, size, sequencer.CodeOK, sequencer.StateReserved); err != nil {
		return err
	}
	if err := o.buys(&refused, c, sample, sequencer.CodeSoldOut, sequencer.StateNone); err != nil {
		return err
	}
	costs.add("reservation", float64(size), sold.each())
	costs.add("refusal", float64(size), refused.each())
	return nil
}

// bySales opens sales and spreads buyers over them.
func bySales(size int, costs, _ *lines) error {
	o, c, created, many, lone := newOffice(), &crowd{}, meter{}, meter{}, meter{}
	for i := range size {
		last := &created
		if i < size-100 {
			last = &meter{}
		}
		var err error
		last.time(1, func() { err = o.open(sequencer.TicketsMax/4, 0) })
		if err != nil {
			return err
		}
	}
	sale := func(int) *sequencer.Command { return c.buy(uint16(spread(c.next)%uint64(size)) + 1) }
	if err := o.send(&many, sample, sale); err != nil {
		return err
	}
	if err := o.expect(sequencer.CodeOK, sequencer.StateReserved); err != nil {
		return err
	}
	for range 20 {
		lone.time(windowBatches*batchCommands/10, func() {
			for range windowBatches * batchCommands / 10 {
				if o.make(0, 1, sale) == nil {
					o.apply(0)
					o.state.NextDue()
				}
			}
		})
	}
	costs.add("reservation", float64(size), many.each())
	costs.add("lone reservation, made and decoded", float64(size), lone.each())
	costs.add("creating a sale", float64(size), created.each())
	return nil
}
