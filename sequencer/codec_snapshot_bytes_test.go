package sequencer_test

import (
	"bytes"
	"testing"

	"onsale/proof/testenv"
	"onsale/sequencer"
)

// Each byte of a snapshot means something: changed under a good checksum, the
// snapshot is refused.
func TestSnapshotBytesAllMeanSomething(t *testing.T) {
	whole := golden(t, "snapshot")
	every := testenv.Pick(1, 31) // a prime step meets every field
	for i := 0; i < len(whole)-4; i += every {
		for _, bit := range [...]int{i % 8, 7} { // flags have unknown bits at the top
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << bit
			if _, err := sequencer.ReadSnapshot(bytes.NewReader(withChecksum(damaged))); err == nil {
				t.Errorf("byte %d: bit %d is not looked at", i, bit)
			}
		}
	}
}
