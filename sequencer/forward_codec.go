package sequencer

import "encoding/binary"

// ForwardBytes is the length of an encoded forward command. A front-end leaves
// this much room in front of its batch's commands and fills it with PutForward
// when the batch gets its number.
const ForwardBytes = 2 + 1 + 20

// PutForward fills the first ForwardBytes of frames with an encoded forward
// command that announces the count commands behind it.
func PutForward(frames []byte, session, number uint64, count int) {
	_ = AppendCommand(frames[:0], &Command{Kind: KindForward, Order: session, Amount: int64(number), Count: uint32(count)})
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
