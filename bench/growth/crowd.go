package growth

import (
	"encoding/binary"
	"errors"
	"fmt"

	"onsale/sequencer"
)

const (
	// batchCommands is how many commands a batch has, as in T1.
	batchCommands = 1000
	// windowBatches is how many batches are made before they are timed together.
	windowBatches = 20
	// hold is how long a reservation lasts, in nanoseconds of the log's time.
	hold = 3600e9
	// tick is by how much the log's time goes on from one batch to the next.
	tick = 100_000
)

// errDecided is returned when the state decided something else than what is measured.
var errDecided = errors.New("decided otherwise")

// office is a state and what is sent to it.
type office struct {
	state     *sequencer.State
	decisions sequencer.Decisions
	now       int64
	sales     int
	batches   [windowBatches]sequencer.Batch
	encoded   [windowBatches][]byte
}

func newOffice() *office { return &office{state: sequencer.New(), now: 1} }

// open creates a sale with a cap of 2.
func (o *office) open(tickets, waitlist uint32) error {
	o.sales++
	spec := sequencer.SaleSpec{ID: fmt.Sprintf("sale-%d", o.sales), Item: "growth", Quantity: tickets, Cap: 2, Waitlist: waitlist,
		Price: 100, Currency: "EUR", Hold: hold, Grace: 600e9}
	c := sequencer.Command{Kind: sequencer.KindSaleCreate, Body: sequencer.AppendSaleSpec(nil, &spec)}
	if err := o.make(0, 1, func(int) *sequencer.Command { return &c }); err != nil {
		return err
	}
	o.apply(0)
	return o.expect(sequencer.CodeOK, sequencer.StateNone)
}

// make encodes and decodes one batch, so that its commands lie in memory as a log's do.
func (o *office) make(slot, commands int, command func(int) *sequencer.Command) error {
	encoded := append(o.encoded[slot][:0], make([]byte, sequencer.BatchHeaderBytes)...)
	for i := range commands {
		encoded = sequencer.AppendCommand(encoded, command(i))
	}
	o.now += tick
	sequencer.PutBatchHeader(encoded, o.now, commands)
	o.encoded[slot] = encoded
	return sequencer.DecodeBatch(encoded, &o.batches[slot])
}

func (o *office) apply(slot int) { o.state.Apply(&o.batches[slot], &o.decisions) }

// expect checks the last decision.
func (o *office) expect(code sequencer.Code, state sequencer.OrderState) error {
	last := &o.decisions.Results[len(o.decisions.Results)-1]
	if last.Code != code || last.State != state {
		return fmt.Errorf("%w: %+v, expected %v and %v", errDecided, last, code, state)
	}
	return nil
}

// send sends commands in windows of batches; the meter, when there is one, times what the
// state does with them.
func (o *office) send(m *meter, commands int, command func(int) *sequencer.Command) error {
	for sent := 0; sent < commands; {
		slots, first := 0, sent
		for ; slots < windowBatches && sent < commands; slots++ {
			count := min(batchCommands, commands-sent)
			if err := o.make(slots, count, func(i int) *sequencer.Command { return command(sent + i) }); err != nil {
				return err
			}
			sent += count
		}
		decide := func() {
			for slot := range slots {
				o.apply(slot)
			}
		}
		if m == nil {
			decide()
		} else {
			m.time(sent-first, decide)
		}
	}
	return nil
}

// crowd makes buys by distinct users: ids are 24 bytes, spread like random account
// numbers, and each buyer has a key.
type crowd struct {
	next    uint64
	command sequencer.Command
	user    [24]byte
	keyed   bool
}

// buy returns the next user's, valid until the next call.
func (c *crowd) buy(sale uint16) *sequencer.Command {
	c.next++
	c.command = sequencer.Command{Kind: sequencer.KindBuy, Sale: sale, Quantity: 1, User: c.name(c.next)}
	if c.keyed {
		binary.LittleEndian.PutUint64(c.command.Key[:], spread(c.next))
		binary.LittleEndian.PutUint64(c.command.Key[8:], c.next)
	}
	return &c.command
}

// name returns the n-th user's id, valid until the next call.
func (c *crowd) name(n uint64) []byte {
	high, low := spread(n), n
	for i := range 8 {
		c.user[i] = 'a' + byte(high>>(8*i))%26
	}
	for i := range 16 {
		c.user[8+i] = "0123456789abcdef"[low>>(4*i)&15]
	}
	return c.user[:]
}

// spread mixes the bits of a number (a step of SplitMix64).
func spread(n uint64) uint64 {
	n = (n + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// buys sends so many buys of new users to sale 1, and checks what became of the last.
func (o *office) buys(m *meter, c *crowd, count int, code sequencer.Code, state sequencer.OrderState) error {
	if count == 0 {
		return nil
	}
	if err := o.send(m, count, func(int) *sequencer.Command { return c.buy(1) }); err != nil {
		return err
	}
	return o.expect(code, state)
}
