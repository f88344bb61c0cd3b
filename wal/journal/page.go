package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// PageBytesMax bounds a page but for its last few bytes of lengths: it is what a peer
// that asks for blocks gets at once. A bigger block travels in pieces.
const PageBytesMax = 512 << 10

// PageBlocksMax bounds the blocks of a page.
const PageBlocksMax = 4096

// BlockBytesMax bounds the encoding of one block.
const BlockBytesMax = 1 << 30

// ErrNotKept is returned when a block is not in a node's journal, nor in the parts
// beside it.
var ErrNotKept = errors.New("the block is not in this node's journal")

// ErrPage is returned when bytes are no page.
var ErrPage = errors.New("malformed page of blocks")

// PageQuestion asks for the blocks from a height on.
type PageQuestion struct {
	// Height is the first block's; Offset is where in it to begin, in bytes, when a
	// page before this one ended in the middle of it.
	Height uint64
	Offset uint32
	// Blocks and Bytes bound what is wanted; both are at least 1. The first block comes
	// in pieces of at most Bytes when it is longer.
	Blocks, Bytes uint32
}

const pageVersion = 1

// pageQuestionBytes is the length of a question.
//
//	offset  bytes  question, little-endian
//	0       1      version (1)
//	1       3      zero
//	4       4      offset in the first block
//	8       8      height of the first block
//	16      4      blocks that are wanted
//	20      4      bytes that are wanted
const pageQuestionBytes = 24

// AppendPageQuestion appends the question's encoding.
func AppendPageQuestion(dst []byte, q PageQuestion) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(append(dst, pageVersion, 0, 0, 0), q.Offset)
	return le.AppendUint32(le.AppendUint32(le.AppendUint64(dst, q.Height), q.Blocks), q.Bytes)
}

// ParsePageQuestion returns ErrPage when bytes are no question.
func ParsePageQuestion(data []byte) (PageQuestion, error) {
	le := binary.LittleEndian
	if len(data) > 0 && data[0] != pageVersion {
		return PageQuestion{}, fmt.Errorf("%w: question version %d, this program knows %d", ErrPage, data[0], pageVersion)
	}
	if len(data) != pageQuestionBytes || data[1]|data[2]|data[3] != 0 {
		return PageQuestion{}, fmt.Errorf("%w: question of %d bytes", ErrPage, len(data))
	}
	q := PageQuestion{Offset: le.Uint32(data[4:]), Height: le.Uint64(data[8:]), Blocks: le.Uint32(data[16:]), Bytes: le.Uint32(data[20:])}
	if q.Height == 0 || q.Height > math.MaxUint64-PageBlocksMax || q.Blocks == 0 || q.Bytes == 0 {
		return PageQuestion{}, fmt.Errorf("%w: %d blocks of %d bytes from height %d on", ErrPage, q.Blocks, q.Bytes, q.Height)
	}
	return q, nil
}

// Page is the answer: blocks one after the other, as they lie on disk.
//
//	bytes  page, little-endian, for each block
//	4      length of the block
//	       its bytes: of the first block from the question's offset on, and not
//	       to its end when it is longer than the page; of the others all
//
// A page holds a piece of one block, or whole blocks.
type Page struct {
	// Length is that of the first block, and Piece its bytes from the question's
	// offset on. It is whole when they reach up to Length.
	Length uint32
	Piece  []byte
	// Others are the whole blocks behind it.
	Others [][]byte
}

// Whole reports whether the first block ends in this page.
func (p *Page) Whole(offset uint32) bool {
	return uint64(offset)+uint64(len(p.Piece)) == uint64(p.Length)
}

// ParsePage reads the answer to a question. The page refers to the bytes. ErrPage.
func ParsePage(q PageQuestion, data []byte) (p Page, err error) {
	for at := uint32(0); len(data) > 0; at++ {
		if len(data) < 4 || at >= min(q.Blocks, PageBlocksMax) {
			return Page{}, fmt.Errorf("%w: %d bytes behind block %d", ErrPage, len(data), at)
		}
		length := binary.LittleEndian.Uint32(data)
		data = data[4:]
		want := uint64(length)
		if at == 0 {
			if length > BlockBytesMax || q.Offset >= length {
				return Page{}, fmt.Errorf("%w: offset %d in a block of %d bytes", ErrPage, q.Offset, length)
			}
			want = min(want-uint64(q.Offset), uint64(len(data)))
			p.Length, p.Piece = length, data[:want:want]
		} else if want == 0 || want > uint64(len(data)) || !p.Whole(q.Offset) {
			return Page{}, fmt.Errorf("%w: block of %d bytes in %d", ErrPage, want, len(data))
		} else {
			p.Others = append(p.Others, data[:want:want])
		}
		data = data[want:]
	}
	if len(p.Piece) == 0 {
		return Page{}, fmt.Errorf("%w: it is empty", ErrPage)
	}
	return p, nil
}
