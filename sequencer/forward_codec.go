package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrForward is returned when bytes are no batch that another process may send.
var ErrForward = errors.New("not a batch to forward")

// ForwardBytes is the length of an encoded forward command. A front-end leaves
// this much room in front of its batch's commands and fills it with PutForward
// when the batch gets its number.
const ForwardBytes = 2 + 1 + 20

// PutForward fills the first ForwardBytes of frames with an encoded forward
// command that announces the count commands behind it.
func PutForward(frames []byte, session, number uint64, count int) {
	_ = AppendCommand(frames[:0], &Command{Kind: KindForward, Order: session, Amount: int64(number), Count: uint32(count)})
}

// ForwardOf reads a batch that another process sent: a forward command, and the commands
// that it announces. It returns ErrForward unless data is exactly that, and holds nothing
// but commands that buyers ask for: whoever reaches a node's port could give a seller's
// command, or say that a payment was accepted.
func ForwardOf(frames []byte) (session, number uint64, count int, err error) {
	session, number, count, ok := ParseForward(frames)
	if !ok {
		return 0, 0, 0, fmt.Errorf("%w: %d bytes do not begin with a forward command", ErrForward, len(frames))
	}

	rest := frames[ForwardBytes:]
	for i := range count {
		if len(rest) < 3 {
			return 0, 0, 0, fmt.Errorf("%w: it ends in command %d of %d", ErrForward, i+1, count)
		}
		if kind := Kind(rest[2]); !kind.Forwardable() {
			return 0, 0, 0, fmt.Errorf("%w: command %d is a %s, which is not forwarded", ErrForward, i+1, kind)
		}
		length := 2 + int(binary.LittleEndian.Uint16(rest))
		if length < 3 || length > 2+CommandBytesMax || length > len(rest) {
			return 0, 0, 0, fmt.Errorf("%w: command %d has %d bytes, %d are left", ErrForward, i+1, length, len(rest))
		}
		rest = rest[length:]
	}
	if len(rest) > 0 {
		return 0, 0, 0, fmt.Errorf("%w: %d bytes follow its %d commands", ErrForward, len(rest), count)
	}
	return session, number, count, nil
}

// CountKind returns how many of encoded commands are of a kind, up to where they are
// malformed.
func CountKind(frames []byte, kind Kind) (count int) {
	for len(frames) >= 3 {
		if Kind(frames[2]) == kind {
			count++
		}
		length := 2 + int(binary.LittleEndian.Uint16(frames))
		if length < 3 || length > len(frames) {
			break
		}
		frames = frames[length:]
	}
	return count
}

// ParseForward reads the forward command that encoded commands begin with. ok is
// false when they begin with something else.
func ParseForward(frames []byte) (session, number uint64, count int, ok bool) {
	le := binary.LittleEndian
	if len(frames) < ForwardBytes || le.Uint16(frames) != ForwardBytes-2 || Kind(frames[2]) != KindForward {
		return 0, 0, 0, false
	}
	return le.Uint64(frames[3:]), le.Uint64(frames[11:]), int(le.Uint32(frames[19:])), true
}
