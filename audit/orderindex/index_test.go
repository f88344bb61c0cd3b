package orderindex

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"onsale/api/contract"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// memory is a journal in memory.
type memory struct {
	state   *sequencer.State
	blocks  []journal.Block // block h is at h-1
	missing []journal.Span
	applied uint64
	orders  []uint64
}

func (m *memory) Block(height uint64) (journal.Block, error) {
	for _, s := range m.missing {
		if height >= s.First && height <= s.Last {
			return journal.Block{}, journal.ErrNotKept
		}
	}
	if height == 0 || height > m.applied {
		return journal.Block{}, journal.ErrNotKept
	}
	return m.blocks[height-1], nil
}

func (m *memory) Missing() ([]journal.Span, error) { return m.missing, nil }
func (m *memory) Position() journal.Head           { return journal.Head{Height: m.applied} }

// put decides a batch and appends its block.
func (m *memory) put(t testing.TB, now int64, commands ...sequencer.Command) {
	t.Helper()
	var d sequencer.Decisions
	batch := sequencer.Batch{Time: now, Commands: commands}
	m.state.Apply(&batch, &d)
	data := sequencer.AppendBatch(nil, &batch)
	b := journal.Block{Height: uint64(len(m.blocks)) + 1, Batch: data, Decisions: sequencer.AppendDecisions(nil, &d)}
	b.Hash = sha256.Sum256(binary.LittleEndian.AppendUint64(b.Decisions, b.Height))
	m.blocks, m.applied = append(m.blocks, b), b.Height
	for i := range d.Results {
		if r := &d.Results[i]; r.Kind == sequencer.KindBuy && r.Order == r.Seq && !r.Replayed {
			m.orders = append(m.orders, r.Order)
		}
	}
}

const storyStart = 1_780_272_000 * int64(time.Second)

// tell makes up a story in which orders are made, paid, cancelled, promoted and run out.
func tell(t testing.TB, seed uint64, batches int) *memory {
	random := rand.New(rand.NewPCG(seed, 5))
	m := &memory{state: sequencer.New()}
	for i, id := range []string{"arena", "gig"} {
		m.put(t, storyStart, sequencer.Command{Kind: sequencer.KindSaleCreate, Actor: []byte("sella"), Body: sequencer.AppendSaleSpec(nil, &sequencer.SaleSpec{
			ID: id, Item: id, Quantity: 20 + uint32(i), Cap: 4, Waitlist: 50, Price: 100, Currency: "EUR", Hold: int64(time.Minute), Grace: int64(time.Minute)})})
	}
	now := storyStart
	for range batches {
		now += random.Int64N(int64(4 * time.Second))
		commands := make([]sequencer.Command, random.IntN(6))
		for i := range commands {
			commands[i] = m.command(random)
		}
		m.put(t, now, commands...)
	}
	return m
}

func (m *memory) command(random *rand.Rand) sequencer.Command {
	user := fmt.Appendf(nil, "user %d", random.IntN(40))
	if len(m.orders) == 0 || random.IntN(3) == 0 {
		return sequencer.Command{Kind: sequencer.KindBuy, Sale: uint16(1 + random.IntN(2)), User: user, Quantity: uint8(1 + random.IntN(2)),
			Key: sequencer.DigestKey(user, []byte{byte(random.IntN(3))})}
	}
	order := m.orders[random.IntN(len(m.orders))]
	view, _ := m.state.Order(order)
	user = []byte(view.User)
	switch random.IntN(12) {
	case 0:
		return sequencer.Command{Kind: sequencer.KindCancel, Order: order, User: user}
	case 1:
		return sequencer.Command{Kind: sequencer.KindRefund, Order: order, Actor: []byte("sella")}
	case 2:
		return sequencer.Command{Kind: sequencer.KindSaleExtend, Sale: view.Sale, Amount: int64(time.Second), Actor: []byte("sella")}
	case 3:
		return sequencer.Command{Kind: sequencer.KindOutage, Order: order, Amount: 1}
	case 4, 5, 6, 7:
		return sequencer.Command{Kind: sequencer.KindPayBegin, Order: order, User: user, Amount: 100 * int64(view.Quantity), Reference: []byte("a")}
	default:
		return sequencer.Command{Kind: sequencer.KindPayResult, Order: order, Attempt: max(1, view.Attempts), Outcome: sequencer.PayAccepted + sequencer.PayOutcome(random.IntN(2))}
	}
}

// told is all that happened to an order, by reading every block.
func (m *memory) told(t testing.TB, v *sequencer.OrderView) (events []contract.OrderEvent) {
	t.Helper()
	var d decoded
	for i := range m.blocks[:m.applied] {
		must(t, d.Decode(&m.blocks[i]))
		events = d.appendEvents(events, v)
	}
	return events
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// small returns an index whose runs are of a few pairs, on what a folder has.
func small(t testing.TB, dir string, m *memory) *Index {
	x := New(dir, m, func() bool { return true }, slog.New(slog.DiscardHandler))
	x.pairsMax = 8
	must(t, x.open())
	return x
}

// follow brings an index up to date.
func grow(t testing.TB, x *Index) {
	t.Helper()
	for {
		blocks, err := x.step()
		must(t, err)
		if blocks < stepBlocks && len(x.damaged) == 0 {
			return
		}
	}
}

// agrees holds the history of each order to what all blocks say.
func agrees(t testing.TB, x *Index, m *memory) {
	t.Helper()
	for _, order := range m.orders {
		v, _ := m.state.Order(order)
		want, got := m.told(t, &v), []contract.OrderEvent(nil)
		for after := uint64(0); ; {
			page, err := x.History(context.Background(), &v, v.UID(), after)
			if err != nil {
				t.Fatalf("order %d: %v", order, err)
			}
			got = append(got, page.Events...)
			if !page.HasMore {
				break
			}
			if _, err := fmt.Sscan(page.Cursor, &after); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(got, want) || got[0].Event != "buy" || got[0].Seq != order {
			t.Fatalf("order %d:\n  got  %+v\n  want %+v", order, got, want)
		}
	}
}

// Whatever the index was through, it tells of every order what the journal has of it.
func TestIndexTellsWhatTheJournalHas(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		m, dir := tell(t, seed, 200), t.TempDir()
		m.applied = 60 // what there is at first
		whole := m.orders
		m.orders = nil
		x := small(t, dir, m)
		grow(t, x)
		x.close()

		m.applied, m.orders = uint64(len(m.blocks)), whole
		x = small(t, dir, m)
		grow(t, x)
		agrees(t, x, m)
		if len(x.runs) == 0 || uint64(len(x.pending)) > x.pairsMax+16 || x.behind() != 0 || seed == 0 && x.counters.merges.Load() == 0 {
			t.Fatalf("%d runs, %d pairs pending, %d blocks behind, %d merges", len(x.runs), len(x.pending), x.behind(), x.counters.merges.Load())
		}
		x.close()
		left, err := os.ReadDir(dir)
		if must(t, err); len(left) > 4*FanIn {
			t.Errorf("%d files", len(left))
		}
		x = small(t, dir, m)
		grow(t, x)
		agrees(t, x, m)
		if x.counters.blocks.Load() != 0 || x.counters.remade.Load() != 0 {
			t.Errorf("after a start %d blocks were read again, %d files made again", x.counters.blocks.Load(), x.counters.remade.Load())
		}
		x.close()
	}
}

// Whatever becomes of a file, it is found out, at the start or when it is read, and made again.
func TestIndexIsMadeAgain(t *testing.T) {
	t.Parallel()
	m, dir := tell(t, 3, 120), t.TempDir()
	made := func() []string {
		x := small(t, dir, m)
		grow(t, x)
		x.close()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		must(t, err)
		return files
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 40 {
		files := made()
		file := files[random.IntN(len(files))]
		data, err := os.ReadFile(file)
		must(t, err)
		switch random.IntN(4) {
		case 0:
			must(t, os.Remove(file))
		case 1:
			must(t, os.WriteFile(file, data[:random.IntN(len(data))], 0o600))
		case 2:
			must(t, os.WriteFile(filepath.Join(dir, unfinished+"x"), data, 0o600))
		default:
			data[random.IntN(len(data))] ^= 1 << random.IntN(8)
			must(t, os.WriteFile(file, data, 0o600))
		}
		x := small(t, dir, m)
		grow(t, x)
		stop := make(chan struct{})
		stopped := make(chan struct{})
		go func() { // as Run does, for who finds a damaged file
			defer close(stopped)
			for {
				select {
				case <-x.asked:
					if _, err := x.step(); err != nil {
						t.Error(err)
					}
				case <-stop:
					return
				}
			}
		}()
		agrees(t, x, m)
		close(stop)
		<-stopped
		x.close()
	}
}

// Runs of another journal are not believed, also when they end behind what was applied so far.
func TestIndexOfAnotherJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := small(t, dir, tell(t, 1, 100))
	grow(t, x)
	x.close()
	m := tell(t, 2, 100)
	whole, all := m.orders, m.applied
	m.applied, m.orders = 3, nil
	x = small(t, dir, m)
	grow(t, x)
	m.applied, m.orders = all, whole
	grow(t, x)
	agrees(t, x, m)
	if x.counters.remade.Load() == 0 {
		t.Error("nothing was made again")
	}
	x.close()
}

// A node whose journal begins later tells of orders that it has from their beginning, and of no
// others; blocks that are filled in are read then.
func TestIndexOfAPart(t *testing.T) {
	t.Parallel()
	m := tell(t, 4, 150)
	m.missing = []journal.Span{{First: 1, Last: 40}, {First: 60, Last: 70}}
	x := small(t, t.TempDir(), m)
	grow(t, x)
	told, refused := 0, 0
	for _, order := range m.orders {
		v, _ := m.state.Order(order)
		switch _, err := x.History(t.Context(), &v, v.UID(), 0); {
		case err == nil:
			told++
		case errors.Is(err, contract.ErrJournalIncomplete):
			refused++
		default:
			t.Fatal(err)
		}
	}
	if told == 0 || refused == 0 {
		t.Errorf("%d orders were told, %d refused", told, refused)
	}
	m.missing = nil
	grow(t, x)
	agrees(t, x, m)
	x.close()
}

// Blocks that are not in the index yet are waited for, and not for ever.
func TestIndexIsBehind(t *testing.T) {
	t.Parallel()
	m := tell(t, 5, 40)
	x := small(t, t.TempDir(), m)
	v, _ := m.state.Order(m.orders[0])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.History(ctx, &v, v.UID(), 0); !errors.Is(err, sequencer.ErrBehind) {
		t.Errorf("an empty index: %v", err)
	}
	running, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); x.Run(running) }()
	if _, err := x.heights(t.Context(), 0, v.AsOf.Height, v.Seq); err != nil {
		t.Error(err)
	}
	agrees(t, x, m)
	stop()
	<-ended
}
