package sequencer

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// benchBatch is how many commands a batch of the benchmarks holds (T1).
const benchBatch = 1000

// rush makes encoded batches of buys by distinct users, one after the other, each with an
// idempotency key, as buyers' clients send them.
type rush struct {
	user    uint64
	id      [24]byte
	encoded []byte
	batch   Batch
	time    int64

	sales uint64 // over which the buyers are spread; 0 is sale 1 alone
}

// name returns the id of user n, valid until the next call: 24 bytes, spread like random
// account numbers.
func (r *rush) name(n uint64) []byte {
	binary.LittleEndian.PutUint64(r.id[:], mix(n, 7)|0x0101010101010101)
	for i := range 16 {
		r.id[8+i] = "0123456789abcdef"[n>>(4*i)&15]
	}
	for i := range 8 {
		r.id[i] = 'a' + r.id[i]%26
	}
	return r.id[:]
}

// next fills the batch with buys of the next users.
func (r *rush) next(tb testing.TB, quantity uint8) *Batch {
	r.encoded = append(r.encoded[:0], make([]byte, BatchHeaderBytes)...)
	for range benchBatch {
		r.user++
		c := Command{Kind: KindBuy, Sale: 1 + uint16(r.user%max(1, r.sales)), Quantity: quantity, User: r.name(r.user)}
		binary.LittleEndian.PutUint64(c.Key[:], mix(r.user, 11))
		binary.LittleEndian.PutUint64(c.Key[8:], r.user)
		r.encoded = AppendCommand(r.encoded, &c)
	}
	r.time += 100_000
	PutBatchHeader(r.encoded, r.time, benchBatch)
	if err := DecodeBatch(r.encoded, &r.batch); err != nil {
		tb.Fatal(err)
	}
	return &r.batch
}

// newSale returns a state with one open sale.
func newSale(tb testing.TB, quantity, waitlist uint32) *State {
	s, d := New(), Decisions{}
	spec := SaleSpec{ID: "hot", Item: "concert", Quantity: quantity, Cap: 2, Waitlist: waitlist, Price: 100, Currency: "EUR", Hold: 3600e9, Grace: 600e9}
	s.Apply(&Batch{Commands: []Command{{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)}}}, &d)
	if d.Results[0].Code != CodeOK {
		tb.Fatal(d.Results[0])
	}
	return s
}

// fill applies buys until the state has this many orders.
func fill(tb testing.TB, s *State, r *rush, orders uint32) {
	var d Decisions
	for s.orders.length < orders {
		s.Apply(r.next(tb, 1), &d)
	}
}

// benchApply times Apply alone; making and decoding the batches is not counted.
func benchApply(b *testing.B, s *State, r *rush, want OrderState) {
	var d Decisions
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += benchBatch {
		b.StopTimer()
		batch := r.next(b, 1)
		b.StartTimer()
		s.Apply(batch, &d)
		if d.Results[benchBatch-1].State != want {
			b.Fatalf("decided %+v, want state %v", d.Results[benchBatch-1], want)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// BenchmarkApply is T1: one operation is one decision. Give -benchtime 10000000x
// for the size that the target names.
func BenchmarkApply(b *testing.B) {
	b.Run("selling", func(b *testing.B) {
		benchApply(b, newSale(b, TicketsMax, 0), &rush{}, StateReserved)
	})
	for _, holders := range []uint32{100_000, 10_000_000} {
		b.Run(fmt.Sprintf("selling/holders=%d", holders), func(b *testing.B) {
			s, r := newSale(b, TicketsMax, 0), &rush{}
			fill(b, s, r, holders)
			benchApply(b, s, r, StateReserved)
		})
		b.Run(fmt.Sprintf("soldout/holders=%d", holders), func(b *testing.B) {
			s, r := newSale(b, holders, 0), &rush{}
			fill(b, s, r, holders)
			benchApply(b, s, r, StateNone)
		})
	}
	b.Run("waitlisting", func(b *testing.B) {
		s, r := newSale(b, 1000, WaitlistMax), &rush{}
		fill(b, s, r, 1000)
		benchApply(b, s, r, StateWaitlisted)
	})
}
