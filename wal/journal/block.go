// Package journal keeps every decided batch with its decisions, for ever: what
// auditors, exporters and inquiries read. Blocks are chained by hash, so the same
// sale has the same hashes on every replica, and a changed, dropped or reordered
// block is found.
//
// The journal is not what a restart is recovered from: that is the raft log. It is
// written by every replica when a batch was applied, without an fsync, and is made
// durable before a snapshot lets the raft log forget. What if we die here? Blocks
// that never reached the disk are cut by the log's repair, and are written again
// when raft replays; blocks that did are compared, byte for byte, with what the
// replay makes of them (ErrDiverged).
package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Hash is a SHA-256 sum.
type Hash [sha256.Size]byte

// Block is one applied batch. Batch and Decisions are the encodings of package
// sequencer; they refer to the buffer that was decoded.
type Block struct {
	// Height is the block's number in the chain, from 1.
	Height uint64
	// RaftIndex and Term are those of the raft entry that held the batch.
	RaftIndex, Term uint64
	// StateHash is sequencer.State.Hash after the batch.
	StateHash uint64
	// Previous is the hash of the block before; zero for the first.
	Previous Hash
	// Batch is as it stands in the raft log.
	Batch []byte
	// Decisions is sequencer.AppendDecisions' encoding.
	Decisions []byte
	// Hash is the SHA-256 of everything before it in the encoding.
	Hash Hash
}

// Head is where a chain stands.
type Head struct {
	Height    uint64
	RaftIndex uint64
	Hash      Hash
}

var (
	// ErrCorrupt is returned when bytes are not a block, or a block does not
	// follow the one before.
	ErrCorrupt = errors.New("journal is damaged")
	// ErrVersion is returned when the block was written in a version of its format that
	// this program does not know.
	ErrVersion = errors.New("unknown block version")
	// ErrDiverged is returned when replaying the raft log gives other decisions
	// than the journal holds, or a snapshot belongs to another chain. The node
	// must stop: one of the two is wrong.
	ErrDiverged = errors.New("journal and raft log tell different histories")
)

const blockVersion = 1

// blockHeaderBytes is the length of a block before its batch.
//
//	offset  bytes  block, little-endian
//	0       1      version (1)
//	1       3      zero
//	4       4      length of the batch
//	8       8      height
//	16      8      raft index
//	24      8      term
//	32      8      state hash
//	40      32     hash of the previous block
//	72             batch, then decisions
//	end-32  32     SHA-256 of everything before
const blockHeaderBytes = 72

// appendBlock appends the block's encoding and sets b.Hash.
func appendBlock(dst []byte, b *Block) []byte {
	start := len(dst)
	dst = b.appendContent(dst)
	b.Hash = sha256.Sum256(dst[start:])
	return append(dst, b.Hash[:]...)
}

// Append appends the encoding of a block that was decoded: what DecodeBlock read.
func (b *Block) Append(dst []byte) []byte { return append(b.appendContent(dst), b.Hash[:]...) }

// appendContent appends all but the hash.
func (b *Block) appendContent(dst []byte) []byte {
	le := binary.LittleEndian
	dst = append(dst, blockVersion, 0, 0, 0)
	dst = le.AppendUint32(dst, uint32(len(b.Batch)))
	for _, v := range [...]uint64{b.Height, b.RaftIndex, b.Term, b.StateHash} {
		dst = le.AppendUint64(dst, v)
	}
	dst = append(dst, b.Previous[:]...)
	dst = append(dst, b.Batch...)
	return append(dst, b.Decisions...)
}

// DecodeBlock reads a block and checks its hash. It returns ErrCorrupt or
// ErrVersion.
func DecodeBlock(data []byte) (Block, error) {
	if len(data) > 0 && data[0] != blockVersion {
		return Block{}, fmt.Errorf("%w: %d, this program knows %d", ErrVersion, data[0], blockVersion)
	}
	if len(data) < blockHeaderBytes+sha256.Size {
		return Block{}, fmt.Errorf("%w: block of %d bytes, at least %d are needed", ErrCorrupt, len(data), blockHeaderBytes+sha256.Size)
	}
	le := binary.LittleEndian
	body := data[blockHeaderBytes : len(data)-sha256.Size]
	batchBytes := uint64(le.Uint32(data[4:]))
	if data[1]|data[2]|data[3] != 0 || batchBytes > uint64(len(body)) {
		return Block{}, fmt.Errorf("%w: malformed header", ErrCorrupt)
	}
	b := Block{
		Height: le.Uint64(data[8:]), RaftIndex: le.Uint64(data[16:]), Term: le.Uint64(data[24:]), StateHash: le.Uint64(data[32:]),
		Previous: Hash(data[40:]), Batch: body[:batchBytes:batchBytes], Decisions: body[batchBytes:],
		Hash: Hash(data[len(data)-sha256.Size:]),
	}
	if sum := Hash(sha256.Sum256(data[:len(data)-sha256.Size])); sum != b.Hash {
		return Block{}, fmt.Errorf("%w: block %d has hash %x, its content has %x", ErrCorrupt, b.Height, b.Hash[:8], sum[:8])
	}
	return b, nil
}

// Head returns the chain's head after the block.
func (b *Block) Head() Head { return Head{b.Height, b.RaftIndex, b.Hash} }
