package growth

import (
	"errors"
	"fmt"
	"io"

	"onsale/sequencer"
)

// filled is an office whose sale was sold to, or is waited for by, so many.
func filled(size int, tickets, waitlist uint32, state sequencer.OrderState) (*office, *crowd, float64, error) {
	o, c := newOffice(), &crowd{}
	empty := heapBytes()
	if err := o.open(tickets, waitlist); err != nil {
		return nil, nil, 0, err
	}
	if waitlist > 0 { // somebody must have the tickets first
		if err := o.buys(nil, c, int(tickets), sequencer.CodeOK, sequencer.StateReserved); err != nil {
			return nil, nil, 0, err
		}
	}
	err := o.buys(nil, c, size, sequencer.CodeOK, state)
	return o, c, heapBytes() - empty, err
}

func byHolders(size int, costs, memory *lines) error {
	o, c, bytes, err := filled(size, uint32(size+grown(size)), 0, sequencer.StateReserved)
	if err != nil {
		return err
	}
	memory.add("state", float64(size), bytes)
	memory.add("an order", float64(size), bytes/float64(size))
	var more, refused, cancelled, expired meter
	if err := o.buys(&more, c, grown(size), sequencer.CodeOK, sequencer.StateReserved); err != nil {
		return err
	}
	if err := o.buys(&refused, c, sample, sequencer.CodeSoldOut, sequencer.StateNone); err != nil {
		return err
	}
	leaving := size / 20
	if err := o.cancel(&cancelled, c, leaving, func(i int) uint64 { return shuffled(i, leaving)*20 + 1 }, 0); err != nil {
		return err
	}
	if err := o.expire(&expired, size+grown(size)-leaving); err != nil {
		return err
	}
	x := float64(size)
	costs.add("reservation", x, more.each())
	costs.add("refusal", x, refused.each())
	costs.add("cancellation", x, cancelled.each())
	costs.add("hold that runs out", x, expired.each())
	return nil
}

// cancel sends cancellations by buyers, whose numbers from 1 on number returns. Nobody
// else sent anything before the last of them, so an order's seq is its buyer's number and
// the one that created the sale, after as many as skipped.
func (o *office) cancel(m *meter, c *crowd, count int, number func(int) uint64, skipped uint64) error {
	err := o.send(m, count, func(i int) *sequencer.Command {
		n := number(i) + skipped
		c.command = sequencer.Command{Kind: sequencer.KindCancel, Order: n + 1, User: c.name(n)}
		return &c.command
	})
	if err != nil {
		return err
	}
	return o.expect(sequencer.CodeOK, sequencer.StateCancelled)
}

// expire lets every hold run out, those of about a window of buys at a time.
func (o *office) expire(m *meter, holds int) error {
	over, ended := o.now+hold, 0
	for from := int64(1); from+hold <= over+windowBatches*tick; from += windowBatches * tick {
		o.now = from + hold
		if err := o.make(0, 0, nil); err != nil {
			return err
		}
		before := cpuNanos()
		o.apply(0)
		used := cpuNanos() - before
		if n := len(o.decisions.Events); n >= batchCommands {
			m.nanos = append(m.nanos, float64(used)/float64(n))
		}
		ended += len(o.decisions.Events)
	}
	if ended != holds {
		return fmt.Errorf("%w: %d holds ran out, expected %d", errDecided, ended, holds)
	}
	return nil
}

// shuffled returns each number below count once, far from the one before: count is no
// multiple of the prime.
func shuffled(i, count int) uint64 { return uint64(i) * 1_000_003 % uint64(count) }

func byWaiting(size int, costs, memory *lines) error {
	const tickets = 1000
	o, c, bytes, err := filled(size, tickets, sequencer.WaitlistMax, sequencer.StateWaitlisted)
	if err != nil {
		return err
	}
	x := float64(size)
	memory.add("state", x, bytes)
	memory.add("an order", x, bytes/float64(size+tickets))
	var joined, left, served, asked meter
	if err := o.buys(&joined, c, grown(size), sequencer.CodeOK, sequencer.StateWaitlisted); err != nil {
		return err
	}
	waiting := size + grown(size)
	leaving := waiting / 4
	if err := o.cancel(&left, c, leaving, func(i int) uint64 { return shuffled(i, leaving)*4 + 2 }, tickets); err != nil {
		return err
	}
	if err := o.ask(&asked, waiting, tickets); err != nil {
		return err
	}
	if err := o.serve(&served, waiting-leaving); err != nil {
		return err
	}
	costs.add("joining", x, joined.each())
	costs.add("leaving from the middle", x, left.each())
	costs.add("asking for a place", x, asked.each())
	costs.add("being served", x, served.each())
	return nil
}

// ask reads the orders of buyers who may wait, at random.
func (o *office) ask(m *meter, waiting int, skipped uint64) error {
	const asking = 20_000
	for window := range 10 {
		found := 0
		m.time(asking, func() {
			for i := range asking {
				n := spread(uint64(window*asking+i))%uint64(waiting) + 1 + skipped
				if v, known := o.state.Order(n + 1); known && v.Seq == n+1 {
					found++
				}
			}
		})
		if found != asking {
			return fmt.Errorf("%w: %d of %d orders were found", errDecided, found, asking)
		}
	}
	return nil
}

// serve adds tickets to the sale until a half of those who wait have one.
func (o *office) serve(m *meter, waiting int) error {
	for range 10 {
		tickets := max(1, waiting/20)
		c := sequencer.Command{Kind: sequencer.KindSaleQuantity, Sale: 1, Amount: int64(tickets)}
		if err := o.make(0, 1, func(int) *sequencer.Command { return &c }); err != nil {
			return err
		}
		m.time(tickets, func() { o.apply(0) })
		if len(o.decisions.Events) != tickets {
			return fmt.Errorf("%w: %d were served, expected %d", errDecided, len(o.decisions.Events), tickets)
		}
	}
	return nil
}

// snapshotStudy is what a snapshot of a state costs.
func snapshotStudy(largest int) study {
	return study{what: "orders in a snapshot", sizes: sizes(smallest, largest), measure: bySnapshot,
		costs: costOf("orders in a snapshot", "orders", "All of it at once: the freeze that decisions wait for, writing, which goes on beside them, and reading and verifying at a start. The last two are of the whole state and so grow with it.")}
}

func bySnapshot(size int, costs, _ *lines) error {
	o, _, _, err := filled(size, sequencer.TicketsMax, 0, sequencer.StateReserved)
	if err != nil {
		return err
	}
	var freeze, write, read meter
	for range 3 {
		var frozen *sequencer.Snapshot
		freeze.time(1, func() { frozen = o.state.Snapshot() })
		write.time(1, func() { _, err = frozen.WriteTo(io.Discard) })
		if err != nil {
			return err
		}
	}
	in, out := io.Pipe()
	go func() {
		_, err := o.state.Snapshot().WriteTo(out)
		out.CloseWithError(err)
	}()
	read.time(1, func() {
		var back *sequencer.State
		if back, err = sequencer.ReadSnapshot(in); err == nil && back.Hash() != o.state.Hash() {
			err = errors.New("the state that was read has another hash")
		}
	})
	costs.add("freeze", float64(size), freeze.each())
	costs.add("write", float64(size), write.each())
	costs.add("write, read and verify", float64(size), read.each())
	return err
}
