//go:build !levelplus

package sequencer

// LevelMax is the highest level whose formats this program reads and writes. A release that
// adds a format raises it by one, and writes the format from that level on.
const LevelMax = 1

// batchVersionAt returns the version in which batches are written at a level.
func batchVersionAt(uint16) byte { return BatchVersion }

// batchSeal returns what stands behind the version in a batch's header.
func batchSeal([]byte) (seal [3]byte) { return seal }
