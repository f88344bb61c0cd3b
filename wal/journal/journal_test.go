package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"onsale/wal"
)

func mustOpen(t testing.TB, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, Options{SegmentBytes: 1 << 12})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// block is what the tests put at a raft index.
func block(raftIndex uint64) *Block {
	return &Block{RaftIndex: raftIndex, Term: 3, StateHash: raftIndex * 7,
		Batch: fmt.Appendf(nil, "batch %d", raftIndex), Decisions: fmt.Appendf(nil, "decisions %d", raftIndex)}
}

func putRange(t testing.TB, j *Journal, from, to uint64) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := j.Put(block(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func scan(dir string) (blocks int, head Head, err error) {
	_, err = Scan(dir, func(b *Block) error {
		blocks++
		head = b.Head()
		return nil
	})
	return blocks, head, err
}

func TestReplayIsCompared(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir)
	putRange(t, j, 2, 101)
	head := j.Position()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir)
	putRange(t, j, 2, 151) // 100 are compared, 50 are new
	if j.Position().Height != 150 || j.Position() == head {
		t.Fatalf("position %+v", j.Position())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if blocks, last, err := scan(dir); blocks != 150 || last != j.Position() || err != nil {
		t.Fatalf("%d blocks, head %+v, %v", blocks, last, err)
	}
	j = mustOpen(t, dir)
	defer j.Close()
	putRange(t, j, 2, 10)
	other := block(11)
	other.Decisions = []byte("another decision")
	if err := j.Put(other); !errors.Is(err, ErrDiverged) {
		t.Fatalf("another decision: %v", err)
	}
}

func TestRestore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, dir)
	putRange(t, j, 1, 40)
	middle := j.Position()
	putRange(t, j, 41, 80)
	end := j.Position()
	if gap, err := j.Restore(middle); gap || err != nil {
		t.Fatalf("to a block that is there: %v, %v", gap, err)
	}
	putRange(t, j, 41, 80)
	if j.Position() != end {
		t.Fatalf("replayed to %+v, want %+v", j.Position(), end)
	}
	wrong := middle
	wrong.Hash[0]++
	if _, err := j.Restore(wrong); !errors.Is(err, ErrDiverged) {
		t.Fatalf("to another chain: %v", err)
	}
	ahead := Head{Height: 500, RaftIndex: 700, Hash: Hash{1}}
	if gap, err := j.Restore(ahead); !gap || err != nil {
		t.Fatalf("to a head beyond the end: %v, %v", gap, err)
	}
	putRange(t, j, 701, 705)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if blocks, last, err := scan(dir + "-1-to-80"); blocks != 80 || last != end || err != nil {
		t.Fatalf("put aside: %d blocks, head %+v, %v", blocks, last, err)
	}
	if blocks, last, err := scan(dir); blocks != 5 || last.Height != 505 || err != nil {
		t.Fatalf("%d blocks, head %+v, %v", blocks, last, err)
	}
}

// A journal without a block has nothing to put aside: it begins behind the snapshot.
func TestRestoreOfAnEmptyJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := mustOpen(t, dir)
	if gap, err := j.Restore(Head{Height: 9, RaftIndex: 30, Hash: Hash{1}}); !gap || err != nil {
		t.Fatalf("gap %t, %v", gap, err)
	}
	putRange(t, j, 31, 32)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if beside, err := os.ReadDir(filepath.Dir(dir)); len(beside) != 1 || err != nil {
		t.Errorf("beside it are %v, %v", beside, err)
	}
	if blocks, last, err := scan(dir); blocks != 2 || last.Height != 11 || err != nil {
		t.Errorf("%d blocks, head %+v, %v", blocks, last, err)
	}
}

// A snapshot's head is held against the block at its height, from the first that is here
// to the last; before that and behind there is nothing to compare.
func TestRestoreAtEveryHeight(t *testing.T) {
	dir, _ := chainOf(t, 90, 61, Span{1, 60})
	for _, c := range []struct {
		height uint64
		gap    bool
		want   error
	}{{0, false, nil}, {59, false, nil}, {60, false, nil}, {61, false, ErrDiverged}, {90, false, ErrDiverged}, {91, true, nil}} {
		j := mustOpen(t, dir)
		head := Head{Height: c.height, RaftIndex: 10 + c.height, Hash: Hash{1}}
		gap, err := j.Restore(head)
		if gap != c.gap || !errors.Is(err, c.want) {
			t.Errorf("to height %d: gap %t, %v", c.height, gap, err)
		}
		if moved := j.Position() == head; moved != (c.want == nil) {
			t.Errorf("to height %d: it stands at %+v, %v", c.height, j.Position(), err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is replayed in front of a journal that begins later has nothing to be compared with, and leads to the
// same chain.
func TestReplayInFrontOfTheJournal(t *testing.T) {
	dir, head := chainOf(t, 90, 61, Span{1, 60})
	j := mustOpen(t, dir)
	defer j.Close()
	putRange(t, j, 11, 100)
	if j.Position() != head {
		t.Fatalf("replayed to %+v, want %+v", j.Position(), head)
	}
}

// What was read back wrong is damage, and not another history; what was put in its
// place is another history, and not damage.
func TestReplayOnADamagedJournal(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir)
	putRange(t, j, 1, 5)
	sixth := appendBlock(nil, &Block{Height: 6, Previous: j.Position().Hash})
	sixth[len(sixth)-1]++
	if err := errors.Join(j.log.Append(6, [][]byte{sixth}), j.Close()); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir)
	defer j.Close()
	if _, err := j.Last(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the last block is %v", err)
	}
	if _, err := j.Restore(Head{Height: 6}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("restored: %v", err)
	}
	putRange(t, j, 1, 5)
	before := j.Position()
	if err := j.Put(block(6)); !errors.Is(err, ErrCorrupt) || j.Position() != before {
		t.Errorf("replayed: %v, it stands at %+v", err, j.Position())
	}
}

// A bit that fell over in an older segment is not seen by opening, and told by whoever
// reads there.
func TestReplayOnAFlippedBit(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir)
	putRange(t, j, 1, 80)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, dir)
	j = mustOpen(t, dir)
	defer j.Close()
	for i := uint64(1); i <= 80; i++ {
		if _, err := j.Read(i); err == nil {
			continue
		}
		if _, err := j.Restore(Head{Height: i}); !errors.Is(err, wal.ErrCorrupt) {
			t.Errorf("restored to block %d: %v", i, err)
		}
		putRange(t, j, 1, i-1)
		if err := j.Put(block(i)); !errors.Is(err, wal.ErrCorrupt) {
			t.Errorf("replayed block %d: %v", i, err)
		}
		return
	}
	t.Fatal("every block is read")
}

// What is here is told by its first and last heights, as far as it was replayed.
func TestRange(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir)
	if first, last := j.Range(); first != 0 || last != 0 {
		t.Errorf("an empty journal has %d to %d", first, last)
	}
	if head, err := j.Last(); head != (Head{}) || err != nil {
		t.Errorf("the last block of an empty journal is %+v, %v", head, err)
	}
	putRange(t, j, 1, 30)
	end := j.Position()
	if err := errors.Join(j.Sync(), j.Err(), j.Close()); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir)
	defer j.Close()
	if first, last := j.Range(); first != 1 || last != 0 {
		t.Errorf("before the replay: %d to %d", first, last)
	}
	if head, err := j.Last(); head != end || err != nil {
		t.Errorf("the last block is %+v, %v", head, err)
	}
	putRange(t, j, 1, 20)
	if first, last := j.Range(); first != 1 || last != 20 {
		t.Errorf("in the replay: %d to %d", first, last)
	}
	if b, err := j.Read(25); err != nil || b.Height != 25 {
		t.Errorf("block 25: %d, %v", b.Height, err)
	}
	if _, err := j.Read(31); !errors.Is(err, wal.ErrNotFound) {
		t.Errorf("block 31: %v", err)
	}
}

// A torn tail costs blocks that the replay writes again, with the same hashes.
func TestTornTailIsCaughtUp(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir)
	putRange(t, j, 1, 60)
	end := j.Position()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "0*"))
	if err != nil || len(names) < 2 {
		t.Fatalf("segments %v, %v", names, err)
	}
	last := names[len(names)-1]
	info, err := os.Stat(last)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(last, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, dir)
	if j.Repaired().Bytes == 0 {
		t.Fatal("nothing was repaired")
	}
	putRange(t, j, 1, 60)
	if j.Position() != end {
		t.Fatalf("caught up to %+v, want %+v", j.Position(), end)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestScanFindsABrokenChain(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir)
	putRange(t, j, 1, 5)
	stray := block(9)
	stray.Height, stray.Previous = 6, Hash{9}
	if err := j.log.Append(6, [][]byte{appendBlock(nil, stray)}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if blocks, _, err := scan(dir); blocks != 5 || !errors.Is(err, ErrCorrupt) {
		t.Fatalf("%d blocks, %v", blocks, err)
	}
}

func FuzzDecodeBlock(f *testing.F) {
	b := block(3)
	f.Add(appendBlock(nil, b))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBlock(data)
		if err != nil {
			return
		}
		if again := appendBlock(nil, &b); string(again) != string(data) {
			t.Fatalf("%x is written as %x", data, again)
		}
	})
}
