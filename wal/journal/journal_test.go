package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
