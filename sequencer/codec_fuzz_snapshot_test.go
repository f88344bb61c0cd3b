package sequencer_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"onsale/sequencer"
)

// Whatever is read as a snapshot is a state that can be trusted, and is written
// again as the same bytes. Nearly all changes break the checksum, so that each
// is tried with a good one as well.
func FuzzReadSnapshot(f *testing.F) {
	addCuts(f, golden(f, "snapshot"))
	f.Fuzz(func(t *testing.T, data []byte) {
		readSnapshot(t, data)
		if len(data) >= 4 {
			readSnapshot(t, withChecksum(data))
		}
	})
}

// readSnapshot reads bytes that need not be a snapshot.
func readSnapshot(t *testing.T, data []byte) {
	t.Helper()
	state, err := sequencer.ReadSnapshot(bytes.NewReader(data))
	if err != nil {
		if !errors.Is(err, sequencer.ErrSnapshotCorrupt) && !errors.Is(err, sequencer.ErrVersion) {
			t.Fatalf("error of no kind: %v", err)
		}
		return
	}
	if err := state.Verify(); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if _, err := state.Snapshot().WriteTo(&again); err != nil {
		t.Fatal(err)
	}
	// A snapshot says itself where it ends; what follows is another reader's.
	if !bytes.HasPrefix(data, again.Bytes()) {
		t.Fatalf("%x is written again as %x", data, again.Bytes())
	}
	batch := goldenBatch()
	state.Apply(&batch, new(sequencer.Decisions))
	if err := state.Verify(); err != nil {
		t.Fatal(err)
	}
}

// withChecksum returns the bytes with a checksum at their end that fits them.
func withChecksum(data []byte) []byte {
	content := bytes.Clone(data[:len(data)-4])
	sum := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
	return binary.LittleEndian.AppendUint32(content, sum)
}
