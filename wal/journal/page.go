package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
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

// ErrNotYet is returned when a node has not come as far as the block that it was asked for, and
// was told to wait for it.
var ErrNotYet = errors.New("the node's journal does not have the block yet")

// PageWaitMax bounds for how long a node waits for a block that it does not have yet.
const PageWaitMax = 30 * time.Second

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
	// WaitMilliseconds is for how long the node waits while its journal ends in front of
	// the first block, PageWaitMax at most; the page is empty when it still does. 0 asks a node
	// to refuse such a block at once.
	WaitMilliseconds uint32
	// Spare asks a node that leads to say that it is overloaded: another one has less to do. Only
	// together with a wait.
	Spare bool
}

const (
	pageVersion        = 1
	pageVersionWaiting = 2
)

// pageQuestionBytes is the length of a question.
//
//	offset  bytes  question, little-endian
//	0       1      version (1; 2 with a wait)
//	1       1      1 when a node that leads is to be spared; version 2 only
//	2       2      zero
//	4       4      offset in the first block
//	8       8      height of the first block
//	16      4      blocks that are wanted
//	20      4      bytes that are wanted
//	24      4      milliseconds to wait; version 2 only
const (
	pageQuestionBytes        = 24
	pageQuestionBytesWaiting = 28
)

// AppendPageQuestion appends the question's encoding, which every release reads when it has no wait.
func AppendPageQuestion(dst []byte, q PageQuestion) []byte {
	le := binary.LittleEndian
	version, spare := byte(pageVersion), byte(0)
	if q.WaitMilliseconds > 0 {
		version = pageVersionWaiting
	}
	if q.Spare {
		spare = 1
	}
	dst = le.AppendUint32(append(dst, version, spare, 0, 0), q.Offset)
	dst = le.AppendUint32(le.AppendUint32(le.AppendUint64(dst, q.Height), q.Blocks), q.Bytes)
	if q.WaitMilliseconds > 0 {
		dst = le.AppendUint32(dst, q.WaitMilliseconds)
	}
	return dst
}

// ParsePageQuestion returns ErrPage when bytes are no question.
func ParsePageQuestion(data []byte) (PageQuestion, error) {
	if len(data) > 0 && data[0] != pageVersion && data[0] != pageVersionWaiting {
		return PageQuestion{}, fmt.Errorf("%w: question version %d, this program knows %d and %d", ErrPage, data[0], pageVersion, pageVersionWaiting)
	}
	waits := len(data) == pageQuestionBytesWaiting && data[0] == pageVersionWaiting && data[1] <= 1
	if !waits && (len(data) != pageQuestionBytes || data[0] != pageVersion || data[1] != 0) || data[2]|data[3] != 0 {
		return PageQuestion{}, fmt.Errorf("%w: question of %d bytes", ErrPage, len(data))
	}
	le := binary.LittleEndian
	q := PageQuestion{Offset: le.Uint32(data[4:]), Height: le.Uint64(data[8:]), Blocks: le.Uint32(data[16:]), Bytes: le.Uint32(data[20:])}
	if waits {
		q.Spare, q.WaitMilliseconds = data[1] == 1, le.Uint32(data[24:])
		if q.WaitMilliseconds == 0 || q.Wait() > PageWaitMax {
			return PageQuestion{}, fmt.Errorf("%w: a wait of %d ms", ErrPage, q.WaitMilliseconds)
		}
	}
	if q.Height == 0 || q.Height > math.MaxUint64-PageBlocksMax || q.Blocks == 0 || q.Bytes == 0 {
		return PageQuestion{}, fmt.Errorf("%w: %d blocks of %d bytes from height %d on", ErrPage, q.Blocks, q.Bytes, q.Height)
	}
	return q, nil
}

// Wait is the wait that is asked for.
func (q *PageQuestion) Wait() time.Duration {
	return time.Duration(q.WaitMilliseconds) * time.Millisecond
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

// ParsePage reads the answer to a question. The page refers to the bytes. ErrPage; ErrNotYet for an
// empty one when a wait was asked for.
func ParsePage(q PageQuestion, data []byte) (p Page, err error) {
	if len(data) == 0 && q.WaitMilliseconds > 0 {
		return Page{}, fmt.Errorf("%w: %d", ErrNotYet, q.Height)
	}
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
