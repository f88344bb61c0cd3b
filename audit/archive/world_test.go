package archive

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"onsale/audit/archive/blob"
	"onsale/audit/follow"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the stories; 0 draws one")

func storySeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	return seed
}

const storyStart = 1_780_272_000 * int64(time.Second)

// world is a cluster of one that sells: a state, and the journal of what it has decided.
type world struct {
	t       *testing.T
	random  *rand.Rand
	state   *sequencer.State
	dir     string
	journal *journal.Journal
	now     int64
	batches []sequencer.Batch // decided so far, by height - 1
}

func newWorld(t *testing.T, seed uint64) *world {
	w := emptyWorld(t, seed)
	w.birth(sequencer.BirthNew)
	w.decide(sequencer.Command{Kind: sequencer.KindSaleCreate, Actor: []byte("ann"), Body: sequencer.AppendSaleSpec(nil, &sequencer.SaleSpec{
		ID: "gig", Item: "Gig", Quantity: 1000, Cap: 4, Waitlist: 10, Price: 4900, Currency: "EUR", Hold: int64(3 * time.Second), Grace: int64(time.Second)})})
	return w
}

func emptyWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 5)), state: sequencer.New(), dir: filepath.Join(testenv.MemoryDir(t), "journal"), now: storyStart}
	var err error
	if w.journal, err = journal.Open(w.dir, journal.DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.journal.Close() })
	return w
}

// birth is a birth alone in its batch. Each one of a process has another id.
func (w *world) birth(cause sequencer.BirthCause) sequencer.ClusterID {
	var id sequencer.ClusterID
	binary.LittleEndian.PutUint64(id[:], w.random.Uint64()|1)
	w.now += int64(time.Minute)
	w.decide(sequencer.Command{Kind: sequencer.KindBirth, Amount: w.now, Count: uint32(cause), Key: sequencer.KeyDigest(id)})
	return id
}

// decide decides a batch, and writes it to the journal.
func (w *world) decide(commands ...sequencer.Command) {
	w.t.Helper()
	w.apply(sequencer.Batch{Time: w.now, Commands: commands})
}

func (w *world) apply(b sequencer.Batch) {
	var d sequencer.Decisions
	w.state.Apply(&b, &d)
	w.batches = append(w.batches, b)
	block := journal.Block{RaftIndex: 2 * uint64(len(w.batches)), Term: 1, StateHash: w.state.Hash(),
		Batch: sequencer.AppendBatch(nil, &b), Decisions: sequencer.AppendDecisions(nil, &d)}
	if err := w.journal.Put(&block); err != nil {
		w.t.Fatal(err)
	}
}

// sell decides blocks of buys, payments and cancellations.
func (w *world) sell(blocks int) {
	for range blocks {
		w.now += int64(w.random.IntN(400)) * int64(time.Millisecond)
		var commands []sequencer.Command
		for range w.random.IntN(6) {
			commands = append(commands, w.command())
		}
		w.decide(commands...)
	}
}

func (w *world) command() sequencer.Command {
	views, _ := w.state.OrdersIn(&sequencer.OrderQuery{Sale: 1, Limit: 64})
	if len(views) == 0 || w.random.IntN(2) == 0 {
		return sequencer.Command{Kind: sequencer.KindBuy, Sale: 1, Quantity: uint8(1 + w.random.IntN(4)), User: fmt.Appendf(nil, "user-%d", w.random.IntN(500))}
	}
	v := views[w.random.IntN(len(views))]
	c := sequencer.Command{Order: v.Seq, User: []byte(v.User), Attempt: v.Attempts}
	switch v.State {
	case sequencer.StateReserved:
		c.Kind, c.Amount, c.Reference = sequencer.KindPayBegin, 4900*int64(v.Quantity), []byte("account")
	case sequencer.StatePaying:
		c.Kind, c.Outcome = sequencer.KindPayResult, sequencer.PayAccepted
	default:
		c.Kind, c.Quantity = sequencer.KindCancel, 1
	}
	return c
}

// restored is another cluster that goes on from this one's block at a height, under a birth.
func (w *world) restored(height int, cause sequencer.BirthCause, seed uint64) *world {
	other := emptyWorld(w.t, seed)
	for _, b := range w.batches[:height] {
		other.now = b.Time
		other.apply(b)
	}
	other.birth(cause)
	return other
}

// heights are the hashes of the journal's blocks.
func (w *world) hashes() (all []journal.Hash) {
	w.t.Helper()
	if _, err := journal.Scan(w.dir, func(b *journal.Block) error { all = append(all, b.Hash); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// config is of small segments, so that there are many.
func config() Config {
	return Config{SegmentBytes: 2000, SegmentAge: time.Hour, Once: true, ClusterNumber: 3, Log: slog.New(slog.DiscardHandler)}
}

// archiver reads a world's journal.
func (w *world) archiver(store blob.Store, change ...func(c *Config)) *Archiver {
	w.t.Helper()
	c := config()
	for _, fn := range change {
		fn(&c)
	}
	a, err := New(c, store, follow.NewFolder(w.dir))
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// archive archives what is in a world's journal.
func (w *world) archive(store blob.Store) error { return w.archiver(store).Run(context.Background()) }

func mustOpen(t *testing.T, store blob.Store) *Catalog {
	t.Helper()
	c, err := Open(context.Background(), store)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lineOf are the hashes of the blocks of an archive's line.
func lineOf(t *testing.T, store blob.Store) (all []journal.Hash) {
	t.Helper()
	err := mustOpen(t, store).NewReader().Read(context.Background(), func(b *follow.Block) error { all = append(all, b.Hash); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// holds fails unless the archive's line is a world's journal.
func holds(t *testing.T, store blob.Store, w *world) {
	t.Helper()
	if got, want := lineOf(t, store), w.hashes(); !slices.Equal(got, want) {
		t.Fatalf("the archive has %d blocks of the journal's %d, or others", len(got), len(want))
	}
}
