package sequencer

import (
	"fmt"
	"runtime"
	"testing"
)

// growthSizes are how much of something a sale has already.
var growthSizes = []int{10_000, 100_000, 1_000_000, 10_000_000}

// BenchmarkGrowth says how the cost of one decision, and the memory of one order, change
// with what a sale has already: holders, orders that wait, other sales.
// One operation is one decision. Give -benchtime 5000x: an operation that ends an order
// needs one of its own, and the smallest size has ten thousand.
func BenchmarkGrowth(b *testing.B) {
	for _, size := range growthSizes {
		b.Run(fmt.Sprintf("holders=%d", size), func(b *testing.B) { growHolders(b, size) })
		b.Run(fmt.Sprintf("waiting=%d", size), func(b *testing.B) { growWaiting(b, size) })
	}
	for _, sales := range []int{1, 10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("sales=%d", sales), func(b *testing.B) { growSales(b, sales) })
	}
}

// heapBytes is how much memory is in use by what is reachable.
func heapBytes() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func growHolders(b *testing.B, holders int) {
	empty := heapBytes()
	s, r := newSale(b, TicketsMax, 0), &rush{}
	fill(b, s, r, uint32(holders))
	each := (heapBytes() - empty) / float64(holders)

	b.Run("reservation", func(b *testing.B) {
		benchApply(b, s, r, StateReserved)
		b.ReportMetric(each, "B/order")
	})
	leave := leaver{count: uint64(holders)}
	b.Run("cancellation", func(b *testing.B) { leave.bench(b, s, r) })
	b.Run("expiry", func(b *testing.B) { benchExpiry(b, s, r) })

	soldOut, late := newSale(b, uint32(holders), 0), &rush{}
	fill(b, soldOut, late, uint32(holders))
	b.Run("refusal", func(b *testing.B) { benchApply(b, soldOut, late, StateNone) })
}

func growWaiting(b *testing.B, waiting int) {
	const tickets = 1000
	empty := heapBytes()
	s, r := newSale(b, tickets, WaitlistMax), &rush{}
	fill(b, s, r, uint32(tickets+waiting))
	each := (heapBytes() - empty) / float64(tickets+waiting)

	b.Run("joining", func(b *testing.B) {
		benchApply(b, s, r, StateWaitlisted)
		b.ReportMetric(each, "B/order")
	})
	b.Run("place", func(b *testing.B) {
		for i := range b.N {
			seq := tickets + 2 + mix(uint64(i), 3)%uint64(waiting)
			if v, found := s.Order(seq); !found || v.State != StateWaitlisted {
				b.Fatalf("order %d: %+v, %v", seq, v, found)
			}
		}
	})
	leave := leaver{skipped: tickets, count: uint64(waiting)}
	b.Run("leaving", func(b *testing.B) { leave.bench(b, s, r) })
	b.Run("being-served", func(b *testing.B) {
		var d Decisions
		r.time += 100_000
		more := []Command{{Kind: KindSaleQuantity, Sale: 1, Amount: int64(b.N)}}
		b.ResetTimer()
		s.Apply(&Batch{Time: r.time, Commands: more}, &d)
		if len(d.Events) != b.N {
			b.Fatalf("%d were served, want %d", len(d.Events), b.N)
		}
	})
}

// leaver cancels orders, each once and far from the one before.
type leaver struct {
	skipped uint64 // orders before the first that may leave
	count   uint64 // orders that may
	left    uint64
}

func (l *leaver) bench(b *testing.B, s *State, r *rush) {
	if l.left+uint64(b.N)+benchBatch > l.count {
		b.Fatalf("%d orders are too few for %d operations", l.count, b.N)
	}

	var d Decisions
	var batch Batch
	for done := 0; done < b.N; done += benchBatch {
		b.StopTimer()
		encoded := make([]byte, BatchHeaderBytes)
		for range benchBatch {
			user := 1 + l.skipped + l.left*1_000_003%l.count // order 1 is the sale
			encoded = AppendCommand(encoded, &Command{Kind: KindCancel, Order: user + 1, User: r.name(user)})
			l.left++
		}
		r.time += 100_000
		PutBatchHeader(encoded, r.time, benchBatch)
		if err := DecodeBatch(encoded, &batch); err != nil {
			b.Fatal(err)
		}

		b.StartTimer()
		s.Apply(&batch, &d)
		if last := d.Results[benchBatch-1]; last.Code != CodeOK || last.State != StateCancelled {
			b.Fatalf("decided %+v, want a cancellation", last)
		}
	}
}

// benchExpiry lets holds run out, those of one batch of buys at a time.
func benchExpiry(b *testing.B, s *State, r *rush) {
	var d Decisions
	due, _ := s.NextDue()
	r.time = max(r.time, due)
	b.ResetTimer()
	for ended := 0; ended < b.N; {
		r.time += 100_000
		s.Apply(&Batch{Time: r.time}, &d)
		if _, more := s.NextDue(); !more && ended+len(d.Events) < b.N {
			b.Fatalf("%d holds ran out, want %d", ended, b.N)
		}
		ended += len(d.Events)
	}
}

// growSales spreads buyers over sales.
func growSales(b *testing.B, sales int) {
	s, d := New(), Decisions{}
	for i := range sales {
		spec := SaleSpec{ID: fmt.Sprint("sale-", i), Item: "concert", Quantity: TicketsMax / 4, Cap: 2, Price: 100, Currency: "EUR",
			Hold: 3600e9, Grace: 600e9}
		s.Apply(&Batch{Commands: []Command{{Kind: KindSaleCreate, Body: AppendSaleSpec(nil, &spec)}}}, &d)
		if d.Results[0].Code != CodeOK {
			b.Fatal(d.Results[0])
		}
	}

	r := &rush{sales: uint64(sales)}
	b.Run("reservation", func(b *testing.B) { benchApply(b, s, r, StateReserved) })
}
