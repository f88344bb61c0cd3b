package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"onsale/audit/archive/blob"
	"onsale/audit/follow"
	"onsale/audit/naive"
	"onsale/proof/testenv"
	"onsale/sequencer"
	"onsale/wal/journal"
)

// writePlain and readPlain are a snapshot with nothing but the head and the state.
func writePlain(w io.Writer, _ About, r *Rebuilt) error {
	if err := binary.Write(w, binary.LittleEndian, r.Head); err != nil {
		return err
	}
	_, err := r.State.Snapshot().WriteTo(w)
	return err
}

func readPlain(in io.Reader) (head journal.Head, state *sequencer.State, err error) {
	if err = binary.Read(in, binary.LittleEndian, &head); err == nil {
		state, err = sequencer.ReadSnapshot(in)
	}
	return head, state, err
}

func snapshotter(store blob.Store, keep int) *Snapshotter {
	return NewSnapshotter(SnapshotConfig{Every: 2 * time.Second, Keep: keep, Read: readPlain, Write: writePlain, Log: slog.New(slog.DiscardHandler)}, store)
}

// same holds a state to the dumb model of the rules.
func same(t *testing.T, state *sequencer.State, model *naive.Model) {
	t.Helper()
	if state.Seq() != model.Seq() || state.Now() != model.Now() {
		t.Fatalf("seq %d at %d, the model has %d at %d", state.Seq(), state.Now(), model.Seq(), model.Now())
	}
	is, _ := state.Sale(1)
	want, _ := model.Sale(1)
	if !reflect.DeepEqual(is, want) {
		t.Fatalf("seq %d: the sale is\n%+v\nthe model has\n%+v", state.Seq(), is, want)
	}
	for seq := uint64(1); seq <= state.Seq() && seq < 5000; seq++ {
		order, known := state.Order(seq)
		wanted, wantedKnown := model.Order(seq)
		if known != wantedKnown || !reflect.DeepEqual(order, wanted) {
			t.Fatalf("order %d is\n%+v\nthe model has\n%+v", seq, order, wanted)
		}
	}
}

// At any moment of random stories, with snapshots and cuts in between, the state that the archive
// gives is the dumb model's.
func TestStateAtAnyMoment(t *testing.T) {
	seed := storySeed(t)
	random := rand.New(rand.NewPCG(seed, 2))
	for range testenv.Pick(6, 2) {
		store := blob.NewFolder(testenv.MemoryDir(t))
		w, s, fromSnapshot := newWorld(t, random.Uint64()), snapshotter(store, 3), 0
		for range 4 {
			w.sell(20 + random.IntN(30))
			if err := w.archive(store); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Due(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if random.IntN(2) == 0 {
			w = w.restored(len(w.batches)-random.IntN(20), sequencer.BirthRestore, random.Uint64())
			w.sell(20)
			if err := w.archive(store); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Due(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		c := mustOpen(t, store)
		for range 12 {
			height := 1 + random.IntN(len(w.batches))
			if r := atHeight(t, c, w, height, random); r.Snapshot != "" {
				fromSnapshot++
			}
		}
		r, err := c.StateAt(t.Context(), Moment{}, readPlain)
		if err != nil || r.State.Hash() != w.state.Hash() || r.Head != w.journal.Position() {
			t.Fatalf("the end: %+v, %v", r, err)
		}
		if fromSnapshot == 0 {
			t.Error("no snapshot was of use")
		}
	}
}

// atHeight takes a moment in or behind the block of a height.
func atHeight(t *testing.T, c *Catalog, w *world, height int, random *rand.Rand) *Rebuilt {
	t.Helper()
	model, ends := naive.New(), []uint64{0}
	times := []int64{0}
	for i := range w.batches {
		model.Apply(&w.batches[i])
		ends, times = append(ends, model.Seq()), append(times, w.batches[i].Time)
	}
	m := Moment{Seq: ends[height]}
	if height < len(w.batches) && ends[height+1] > ends[height]+1 && random.IntN(2) == 0 {
		m.Seq += random.Uint64N(min(ends[height+1]-ends[height], 1000)) // in the middle of the next batch
	}
	last := height
	if random.IntN(2) == 0 {
		m = Moment{Time: time.Unix(0, times[height])}
		for last < len(w.batches) && times[last+1] <= times[height] {
			last++
		}
	} else {
		for last < len(w.batches) && ends[last+1] <= m.Seq {
			last++
		}
	}
	r, err := c.StateAt(t.Context(), m, readPlain)
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	model = naive.New()
	for i := range w.batches[:last] {
		model.Apply(&w.batches[i])
	}
	if r.Head.Height != uint64(last) {
		t.Fatalf("%+v: block %d, expected is %d", m, r.Head.Height, last)
	}
	same(t, r.State, model)
	return r
}

// Moments that the archive does not have are refused.
func TestMomentsThatAreNotThere(t *testing.T) {
	w, store := newWorld(t, 1), blob.NewFolder(testenv.MemoryDir(t))
	w.sell(30)
	if err := w.archive(store); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, store)
	for _, m := range []Moment{{Seq: w.state.Seq() + 1}, {Time: time.Unix(0, storyStart)}} {
		if _, err := c.StateAt(t.Context(), m, readPlain); !errors.Is(err, ErrMoment) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if r, err := c.StateAt(t.Context(), Moment{Time: time.Unix(0, w.now+1)}, readPlain); err != nil || r.State.Seq() != w.state.Seq() {
		t.Errorf("later than the end: %v", err)
	}
	if _, err := (&Catalog{store: store}).StateAt(t.Context(), Moment{}, readPlain); !errors.Is(err, ErrMoment) {
		t.Errorf("an empty one: %v", err)
	}
}

// Snapshots are put when they are due, the oldest go, and one that is damaged is passed over.
func TestSnapshots(t *testing.T) {
	w, store := newWorld(t, 1), blob.NewFolder(testenv.MemoryDir(t))
	s := snapshotter(store, 2)
	if _, err := s.Due(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("nothing is archived: %v", err)
	}
	var keys []string
	for range 4 {
		w.sell(30)
		if err := w.archive(store); err != nil {
			t.Fatal(err)
		}
		key, err := s.Due(t.Context())
		if err != nil || key == "" {
			t.Fatal(key, err)
		}
		keys = append(keys, key)
		if again, err := s.Due(t.Context()); err != nil || again != "" {
			t.Errorf("due again at once: %q, %v", again, err)
		}
	}
	c := mustOpen(t, store)
	all, err := c.Snapshots(t.Context())
	if err != nil || len(all) != 2 || all[0].Key != keys[2] || all[1].Key != keys[3] {
		t.Fatalf("%+v, %v, put were %q", all, err, keys)
	}
	if err := store.Remove(t.Context(), keys[3]); err != nil {
		t.Fatal(err)
	}
	if err := put(store, keys[3], "no snapshot"); err != nil {
		t.Fatal(err)
	}
	r, err := c.StateAt(t.Context(), Moment{}, readPlain)
	if err != nil || r.Snapshot != keys[2] || r.State.Hash() != w.state.Hash() {
		t.Errorf("%+v, %v", r, err)
	}
	for _, key := range []string{"snapshots/x", "snapshots/" + ID{}.String() + "/1-2.backup", "snapshots/" + ID{}.String() + "/1-2-3.backup", keys[0] + "x"} {
		if _, ok := parseSnapshot(key); ok {
			t.Errorf("%s is a snapshot", key)
		}
	}
}

func put(store blob.Store, key, text string) error {
	return putChecked(context.Background(), store, key, []byte(text))
}

// A block that says something else than the rules do ends a restore, and is named.
func TestDecidedOtherwise(t *testing.T) {
	w := newWorld(t, 1)
	w.sell(10)
	var b follow.Block
	r := Rebuilt{State: sequencer.New()}
	for height := uint64(1); height <= 2; height++ {
		kept, err := w.journal.Read(height)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Decode(&kept); err != nil {
			t.Fatal(err)
		}
		if height == 2 {
			kept.StateHash++
		}
		if err := r.decide(&b); (height == 2) != errors.Is(err, ErrDamaged) {
			t.Errorf("block %d: %v", height, err)
		}
	}
}
