package orderindex

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onsale/sequencer"
	"onsale/wal/journal"
)

var (
	decisionsMax = flag.Uint64("decisions", 100_000_000, "decisions of the largest index in BenchmarkHistory, 16 bytes of disk each")
	benchOrders  = flag.Int("orders", 1_000_000, "orders with a real journal in BenchmarkHistory, about 400 bytes of disk each")
	benchDir     = flag.String("bench-dir", "", "below which BenchmarkHistory writes its files; the system's folder for temporary files when empty")
)

// blockDecisions is how many decisions a block of the benchmark has.
const blockDecisions = 1000

// BenchmarkHistory tells how long one order's history takes, from the index to the events, when
// the index has so many decisions: with what it reads in the page cache, and with nothing of it.
//
// The orders that are asked for are paid ones. Their four decisions lie in four quarters of a real
// journal, whose blocks are read and decoded. The index's runs are as many and as large as that many
// decisions leave (merge.go), each decision a pair: most that there can be, because a refusal has
// none. The runs of what comes after the real journal hold made-up orders, and each a key below
// all orders, so that no search passes one by without reading in it.
func BenchmarkHistory(b *testing.B) {
	dir, err := os.MkdirTemp(*benchDir, "orderindex-")
	must(b, err)
	b.Cleanup(func() { _ = os.RemoveAll(dir) }) // what is left of it is temporary
	l := makeLong(b, dir)
	for decisions := uint64(10_000_000); decisions <= *decisionsMax; decisions *= 10 {
		l.growTo(b, decisions)
		x := New(l.indexDir(), l, func() bool { return true }, slog.New(slog.DiscardHandler))
		must(b, x.open())
		x.prove()
		name := fmt.Sprintf("decisions=%d", decisions)
		b.Run(name+"/warm", func(b *testing.B) { l.bench(b, x, false) })
		b.Run(name+"/cold", func(b *testing.B) { l.bench(b, x, true) })
		x.close()
	}
}

// long is a journal whose first heights are real.
type long struct {
	*journal.History
	dir    string
	state  *sequencer.State
	orders uint64
	real   uint64 // heights
	height uint64 // of the last made-up block
	pairs  uint64 // in the index
}

func (l *long) indexDir() string   { return filepath.Join(l.dir, "index") }
func (l *long) journalDir() string { return filepath.Join(l.dir, "journal") }

func (l *long) Position() journal.Head           { return journal.Head{Height: l.height} }
func (l *long) Missing() ([]journal.Span, error) { return nil, nil }

func (l *long) Block(height uint64) (journal.Block, error) {
	if height > l.real {
		return journal.Block{Height: height, Hash: madeUp(height)}, nil
	}
	return l.History.Block(height)
}

// madeUp is the hash of a block that there is not.
func madeUp(height uint64) (h journal.Hash) {
	binary.LittleEndian.PutUint64(h[:], height)
	return h
}

// makeLong makes the real journal, and its index as a node makes it.
func makeLong(b *testing.B, dir string) *long {
	b.Helper()
	l := &long{dir: dir, state: sequencer.New(), orders: uint64(*benchOrders / blockDecisions * blockDecisions)}
	j, err := journal.Open(l.journalDir(), journal.DefaultOptions())
	must(b, err)
	b.Cleanup(func() { _ = j.Close() }) // it is not written any more
	l.History = journal.NewHistory(j)
	b.Cleanup(l.Close)
	spec := sequencer.SaleSpec{ID: "arena", Item: "arena", Quantity: uint32(l.orders), Cap: 2, Price: 100, Currency: "EUR", Hold: int64(24 * time.Hour), Grace: int64(time.Hour)}
	l.put(b, j, []sequencer.Command{{Kind: sequencer.KindSaleCreate, Actor: []byte("seller"), Body: sequencer.AppendSaleSpec(nil, &spec)}})
	for _, command := range []func(order uint64) sequencer.Command{
		func(order uint64) sequencer.Command {
			return sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, User: fmt.Appendf(nil, "buyer-%017d", order), Quantity: 1}
		},
		func(order uint64) sequencer.Command {
			return sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: fmt.Appendf(nil, "buyer-%017d", order), Amount: 100, Reference: []byte("a")}
		},
		func(order uint64) sequencer.Command {
			return sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: 1, Outcome: sequencer.PayAccepted}
		},
		func(order uint64) sequencer.Command {
			return sequencer.Command{Kind: sequencer.KindPayCaptured, Order: order, Attempt: 1, Amount: 100}
		},
	} {
		for order := uint64(2); order < 2+l.orders; order += blockDecisions {
			commands := make([]sequencer.Command, blockDecisions)
			for i := range commands {
				commands[i] = command(order + uint64(i))
			}
			l.put(b, j, commands)
		}
	}
	must(b, j.Sync())
	x := New(l.indexDir(), l, func() bool { return true }, slog.New(slog.DiscardHandler))
	must(b, x.open())
	grow(b, x)
	x.close()
	l.pairs = 4 * l.orders
	return l
}

// put decides a batch, all of which must be taken, and appends its block.
func (l *long) put(b *testing.B, j *journal.Journal, commands []sequencer.Command) {
	b.Helper()
	var d sequencer.Decisions
	batch := sequencer.Batch{Time: storyStart + int64(l.height)*int64(time.Millisecond), Commands: commands}
	l.state.Apply(&batch, &d)
	for i := range d.Results {
		if d.Results[i].Code != sequencer.CodeOK {
			b.Fatalf("%+v: %+v", commands[i], d.Results[i])
		}
	}
	must(b, j.Put(&journal.Block{RaftIndex: l.height + 1, Term: 1, Batch: sequencer.AppendBatch(nil, &batch), Decisions: sequencer.AppendDecisions(nil, &d)}))
	l.real++
	l.height++
}

// growTo adds made-up runs until the index has a pair for each of so many decisions: the largest
// that fit first, as merging leaves them.
func (l *long) growTo(b *testing.B, decisions uint64) {
	b.Helper()
	size := uint64(PairsMax)
	for size*FanIn <= decisions-min(decisions, l.pairs) {
		size *= FanIn
	}
	for ; size >= PairsMax; size /= FanIn { // the rest would wait in memory
		for l.pairs+size <= decisions {
			span := journal.Span{First: l.height + 1, Last: l.height + (size+blockDecisions-1)/blockDecisions}
			first := l.pairs + 10 // above all real orders
			r, err := writeRun(l.indexDir(), span, madeUp(span.Last), size, func(yield func(pair, error) bool) {
				for i := range size {
					p := pair{first + i, span.First + i/blockDecisions}
					if i == 0 {
						p.key = 1
					}
					if !yield(p, nil) {
						return
					}
				}
			})
			must(b, err)
			must(b, r.file.Close())
			l.height, l.pairs = span.Last, l.pairs+size
		}
	}
}

// bench asks for orders at random.
func (l *long) bench(b *testing.B, x *Index, cold bool) {
	random, times := rand.New(rand.NewPCG(1, 1)), []time.Duration(nil)
	for b.Loop() {
		order := 2 + random.Uint64N(l.orders)
		v, found := l.state.Order(order)
		v.AsOf.Height = l.height
		if cold {
			b.StopTimer()
			l.forget(b)
			b.StartTimer()
		}
		began := time.Now()
		told, err := x.History(context.Background(), &v, v.UID(), 0)
		times = append(times, time.Since(began))
		if err != nil || !found || len(told.Events) != 4 {
			b.Fatalf("order %d: %+v, %v", order, told, err)
		}
	}
	slices.Sort(times)
	milliseconds := func(share float64) float64 {
		return float64(times[int(share*float64(len(times)-1))].Microseconds()) / 1000
	}
	runs, pairs := x.size()
	b.ReportMetric(milliseconds(0.5), "p50-ms")
	b.ReportMetric(milliseconds(0.99), "p99-ms")
	b.ReportMetric(float64(runs), "runs")
	b.ReportMetric(float64(pairs*pairBytes)/(1<<20), "index-MiB")
}

// forget drops what the page cache has of the index and of the journal.
func (l *long) forget(b *testing.B) {
	for _, dir := range []string{l.indexDir(), l.journalDir()} {
		entries, err := os.ReadDir(dir)
		must(b, err)
		for _, e := range entries {
			must(b, dropCached(filepath.Join(dir, e.Name())))
		}
	}
}
