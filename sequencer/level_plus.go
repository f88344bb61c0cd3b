//go:build levelplus

package sequencer

import "hash/crc32"

// LevelMax is one more than in the program that is released: with this build tests mix
// programs of two levels (make upgrade-drill). It reads both versions of a batch, and
// writes the later one from its own level on alone.
const LevelMax = 2

// batchVersionPlus is the version of a batch from level 2 on. Its header differs in the
// three bytes behind that, which are zero in version 5:
//
//	offset  bytes  header of a batch of version 6
//	0       1      version (6)
//	1       3      the low three bytes of the CRC-32C of bytes 4 to 15
//	4              as in version 5
const batchVersionPlus = BatchVersion + 1

// batchVersionAt returns the version in which batches are written at a level.
func batchVersionAt(level uint16) byte {
	if level < LevelMax {
		return BatchVersion
	}
	return batchVersionPlus
}

// batchSeal returns what stands behind the version in a batch's header.
func batchSeal(header []byte) (seal [3]byte) {
	if header[0] == batchVersionPlus {
		sum := crc32.Checksum(header[4:BatchHeaderBytes], castagnoli)
		seal = [3]byte{byte(sum), byte(sum >> 8), byte(sum >> 16)}
	}
	return seal
}
