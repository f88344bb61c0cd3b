package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"onsale/sequencer"
	"onsale/wal/journal"
)

var (
	// ErrDamaged is returned when an object of the archive is not what it should be.
	ErrDamaged = errors.New("the archive is damaged")
	// ErrVersion is returned when an object of the archive is of a version that this program does
	// not know.
	ErrVersion = errors.New("unknown version of the archive")
)

// Segment says which blocks a segment holds.
type Segment struct {
	Birth       sequencer.ClusterID // of all its blocks
	First, Last uint64              // heights
	// Follows is the hash of the block in front of the first, Head that of the last.
	Follows, Head journal.Hash
	// Bytes is the length of the blocks before compression, with the lengths in front of them.
	Bytes uint64
}

const (
	segmentMagic   = "ONSLSEGM"
	segmentVersion = 1
	// windowBytesMax bounds what a reader keeps for the decompressor.
	windowBytesMax = 8 << 20
)

// segmentHeaderBytes is the length of a segment before its blocks.
//
//	offset  bytes  segment, little-endian
//	0       8      "ONSLSEGM"
//	8       1      version (1)
//	9       7      zero
//	16      16     birth: the id that the cluster drew
//	32      8      height of the first block
//	40      8      height of the last block
//	48      32     hash of the block in front of the first
//	80      32     hash of the last block
//	112     8      length of the blocks before compression
//	120            one zstd frame: for each block a length of 4 bytes and the block (package journal)
//
// The segment has no checksum: each block has one, and the manifest that of the whole.
const segmentHeaderBytes = 120

// appendHeader appends the segment's header.
func (s *Segment) appendHeader(dst []byte) []byte {
	le := binary.LittleEndian
	dst = append(append(dst, segmentMagic...), segmentVersion, 0, 0, 0, 0, 0, 0, 0)
	dst = append(dst, s.Birth[:]...)
	dst = le.AppendUint64(le.AppendUint64(dst, s.First), s.Last)
	dst = append(append(dst, s.Follows[:]...), s.Head[:]...)
	return le.AppendUint64(dst, s.Bytes)
}

func parseHeader(data []byte) (s Segment, err error) {
	le := binary.LittleEndian
	switch {
	case len(data) < segmentHeaderBytes || string(data[:8]) != segmentMagic:
		return s, fmt.Errorf("%w: no segment", ErrDamaged)
	case data[8] != segmentVersion:
		return s, fmt.Errorf("%w: segment version %d, this program knows %d", ErrVersion, data[8], segmentVersion)
	}
	s = Segment{Birth: sequencer.ClusterID(data[16:]), First: le.Uint64(data[32:]), Last: le.Uint64(data[40:]),
		Follows: journal.Hash(data[48:]), Head: journal.Hash(data[80:]), Bytes: le.Uint64(data[112:])}
	if !bytes.Equal(s.appendHeader(nil), data[:segmentHeaderBytes]) || s.First == 0 || s.Last < s.First {
		return s, fmt.Errorf("%w: malformed header of a segment", ErrDamaged)
	}
	return s, nil
}

// builder collects blocks for a segment. It belongs to one goroutine; its memory is the compressed
// blocks.
type builder struct {
	segment  Segment
	packed   bytes.Buffer
	compress *zstd.Encoder
	block    []byte
}

// newBuilder begins a segment behind a block with a hash.
func newBuilder(birth sequencer.ClusterID, follows journal.Hash) (*builder, error) {
	b := &builder{segment: Segment{Birth: birth, Follows: follows}}
	b.packed.Write(make([]byte, segmentHeaderBytes))
	b.compress, _ = encoders.Get().(*zstd.Encoder)
	if b.compress == nil {
		var err error
		if b.compress, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(windowBytesMax)); err != nil {
			return nil, err
		}
	}
	b.compress.Reset(&b.packed)
	return b, nil
}

// encoders and decoders are kept because each has tables of some MiB.
var encoders, decoders sync.Pool

// add adds the next block, which follows the one before.
func (b *builder) add(block *journal.Block) error {
	s := &b.segment
	if s.First == 0 {
		s.First = block.Height
	}
	b.block = block.Append(append(b.block[:0], 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(b.block, uint32(len(b.block)-4))
	s.Last, s.Head = block.Height, block.Hash
	s.Bytes += uint64(len(b.block))
	_, err := b.compress.Write(b.block)
	return err
}

// finish returns the segment's bytes. The builder is of no use any more.
func (b *builder) finish() ([]byte, error) {
	if err := b.compress.Close(); err != nil {
		return nil, err
	}
	encoders.Put(b.compress)
	data := b.packed.Bytes()
	copy(data, b.segment.appendHeader(nil))
	return data, nil
}

// readSegment calls fn for each block of a segment, in order, after checking that it follows the one
// before. The block is valid until fn returns. ErrDamaged, ErrVersion, the journal's errors, or fn's.
func readSegment(data []byte, fn func(b *journal.Block) error) error {
	s, err := parseHeader(data)
	if err != nil {
		return err
	}
	unpack, _ := decoders.Get().(*zstd.Decoder)
	if unpack == nil {
		if unpack, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(windowBytesMax)); err != nil {
			return err
		}
	}
	defer decoders.Put(unpack)
	if err := unpack.Reset(bytes.NewReader(data[segmentHeaderBytes:])); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	r := segmentReader{in: &io.LimitedReader{R: unpack, N: int64(min(s.Bytes, 1<<62))}, head: journal.Head{Height: s.First - 1, Hash: s.Follows}}
	for r.head.Height < s.Last {
		if err := r.next(fn); err != nil {
			return err
		}
	}
	if extra, err := unpack.Read(make([]byte, 1)); r.head.Hash != s.Head || r.in.N != 0 || extra > 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the segment of blocks %d to %d does not end as its header says", ErrDamaged, s.First, s.Last)
	}
	return nil
}

type segmentReader struct {
	in    *io.LimitedReader
	block bytes.Buffer
	head  journal.Head
}

// next reads a block. The buffer grows with what is there, not with what a length claims.
func (r *segmentReader) next(fn func(b *journal.Block) error) error {
	var length [4]byte
	if _, err := io.ReadFull(r.in, length[:]); err != nil {
		return fmt.Errorf("%w: behind block %d: %w", ErrDamaged, r.head.Height, err)
	}
	size := int64(binary.LittleEndian.Uint32(length[:]))
	if size > journal.BlockBytesMax {
		return fmt.Errorf("%w: behind block %d: a block of %d bytes", ErrDamaged, r.head.Height, size)
	}
	r.block.Reset()
	if _, err := io.CopyN(&r.block, r.in, size); err != nil {
		return fmt.Errorf("%w: behind block %d: %w", ErrDamaged, r.head.Height, err)
	}
	b, err := journal.DecodeBlock(r.block.Bytes())
	if err != nil {
		return err
	}
	if b.Height != r.head.Height+1 {
		return fmt.Errorf("%w: block %d comes behind block %d", ErrDamaged, b.Height, r.head.Height)
	}
	if err := b.Follows(r.head.Hash); err != nil {
		return err
	}
	r.head = b.Head()
	return fn(&b)
}

// sumOf returns the SHA-256 of an object.
func sumOf(data []byte) Sum { return Sum(sha256.Sum256(data)) }
