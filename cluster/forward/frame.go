package forward

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"onsale/cluster/codes"
)

// ErrFrame is returned when bytes are not a frame of this protocol. The connection
// is of no use any more.
var ErrFrame = errors.New("malformed frame")

// FrameBytesMax bounds the body of a frame.
const FrameBytesMax = 8 << 20

// frameHeaderBytes is the length of a frame's header. The protocol's version is
// that of the connection's hello (package peer). All numbers are little-endian.
//
//	offset  bytes  frame
//	0       4      length of the body
//	4       1      kind
//	5       1      code of an error (package codes); zero in questions
//	6       2      zero
//	8       8      id: chosen by who asks, repeated in the answer
//	16             body by kind:
//
//	kind        question                            answer
//	batch       a forward command and the commands  decisions (sequencer.AppendDecisions)
//	            that it announces, encoded
//	session     nothing                             session 8, requests 4, bytes 4: the
//	                                                bounds of a batch
//	order       seq 8, reached 8, wait 4            as of 8, [order view]
//	orders      after 8, reached 8, wait 4,         as of 8, order views
//	            limit 4, user to the end
//	position    nothing                             seq 8
//	sales       salesQuestion, JSON                 salesAnswer, JSON
//	control     length of the verb 1, verb, JSON    JSON
//	payment     verb 1, the verb's question         the verb's answer (package payments)
//	seller      length of the token 2, token,       decisions of one command
//	            a seller's command, encoded; for
//	            nodes alone
//	tickets     as order                            tickets with their codes
//	ticket keys nothing                             ticket.ClusterKeys, JSON; nothing when
//	                                                the node has none
//	blocks      journal.PageQuestion                journal.Page; for nodes and readers alone
//
// wait is in milliseconds. The answer's kind is kindAnswer; unless its code is zero, its
// body is what goes with that error.
const frameHeaderBytes = 16

// kind says what a frame is.
type kind byte

const (
	kindBatch    kind = 1
	kindSession  kind = 2
	kindOrder    kind = 3
	kindOrders   kind = 4
	kindPosition kind = 5
	kindSales    kind = 6
	kindControl  kind = 7
	kindBlocks   kind = 8
	kindPayment  kind = 9
	kindSeller   kind = 10

	kindTickets    kind = 11
	kindTicketKeys kind = 12

	kindAnswer kind = 128
)

// frame is one message. Its body is valid until the next read.
type frame struct {
	kind kind
	code codes.Code
	id   uint64
	body []byte
}

// putFrameHeader fills the first frameHeaderBytes of a frame.
func putFrameHeader(data []byte, k kind, code codes.Code, id uint64) {
	le := binary.LittleEndian
	le.PutUint32(data, uint32(len(data)-frameHeaderBytes))
	data[4], data[5], data[6], data[7] = byte(k), byte(code), 0, 0
	le.PutUint64(data[8:], id)
}

// frameReader reads frames into one buffer.
type frameReader struct {
	in     *bufio.Reader
	header [frameHeaderBytes]byte
	body   []byte
	most   int // of a body, bytes
}

func newFrameReader(in io.Reader, most int) *frameReader {
	return &frameReader{in: bufio.NewReaderSize(in, 64<<10), most: most}
}

// next returns the next frame, ErrFrame or the connection's error.
func (r *frameReader) next() (frame, error) {
	if _, err := io.ReadFull(r.in, r.header[:]); err != nil {
		return frame{}, err
	}
	le := binary.LittleEndian
	length := le.Uint32(r.header[:])
	if int64(length) > int64(r.most) || r.header[6]|r.header[7] != 0 {
		return frame{}, fmt.Errorf("%w: header %x, at most %d bytes are allowed", ErrFrame, r.header, r.most)
	}
	if err := r.fill(int(length)); err != nil {
		return frame{}, err
	}
	return frame{kind(r.header[4]), codes.Code(r.header[5]), le.Uint64(r.header[8:]), r.body}, nil
}

// bodyStep is by how much a body's buffer grows ahead of the bytes that came: who
// only claims to send much does not make us reserve it.
const bodyStep = 256 << 10

func (r *frameReader) fill(length int) error {
	r.body = r.body[:0]
	for len(r.body) < length {
		step := min(bodyStep, length-len(r.body))
		if free := cap(r.body) - len(r.body); free < step {
			grown := make([]byte, len(r.body), len(r.body)+max(step, len(r.body)))
			copy(grown, r.body)
			r.body = grown
		}
		at := len(r.body)
		r.body = r.body[:at+step]
		if _, err := io.ReadFull(r.in, r.body[at:]); err != nil {
			return fmt.Errorf("%w: %w", ErrFrame, err)
		}
	}
	return nil
}

// saidBy returns the error that an answer is; nil when it is none.
func saidBy(answer codes.Code, body []byte) error {
	said, malformed := codes.Decode(answer, body)
	if malformed != nil {
		return fmt.Errorf("%w: %w", ErrFrame, malformed)
	}
	return said
}
