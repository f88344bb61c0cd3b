package sequencer

import (
	"bytes"
	"runtime"
	"testing"
)

// Reading a snapshot makes the state, the tables that it outgrew meanwhile, and hardly anything
// beside: who takes over a leader's snapshot has two states for a while, and must not have more.
func TestReadSnapshotMakesOneState(t *testing.T) {
	const orders = 100_000
	original := newSale(t, orders, 0)
	fill(t, original, &rush{}, orders)
	var file bytes.Buffer
	if _, err := original.Snapshot().WriteTo(&file); err != nil {
		t.Fatal(err)
	}

	before, made := heapBytes(), allocatedBytes()
	s, err := ReadSnapshot(&file)
	made = allocatedBytes() - made
	if err != nil || s.Hash() != original.Hash() {
		t.Fatalf("%v", err)
	}
	keeps := heapBytes() - before
	runtime.KeepAlive(s)
	runtime.KeepAlive(original)
	runtime.KeepAlive(&file)
	if float64(made) > 1.75*keeps {
		t.Errorf("reading made %d bytes, and the state has %.0f", made, keeps)
	}
}

// allocatedBytes is how much memory was ever made.
func allocatedBytes() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
