package sequencer

// arenaChunkBytes is the size of one chunk of an arena. The first one begins small
// and grows to it, so that a state of a few orders is made at their cost.
const (
	arenaChunkBytes = 1 << 20
	arenaFirstBytes = 1 << 12
)

// arena keeps many short byte strings (user ids) without a pointer each, so
// that the garbage collector has nothing to look through at ten million users.
// What was put in never moves or changes.
type arena struct {
	chunks [][]byte // each of at most arenaChunkBytes
}

// textRef says where a text lies in an arena:
//
//	bits 63..28  chunk
//	bits 27..8   offset in the chunk
//	bits 7..0    length
type textRef uint64

// put copies text (at most 255 bytes) into the arena.
func (a *arena) put(text []byte) textRef {
	last := len(a.chunks) - 1
	if last < 0 || len(a.chunks[last])+len(text) > arenaChunkBytes {
		size := arenaChunkBytes
		if last < 0 {
			size = arenaFirstBytes
		}
		a.chunks = append(a.chunks, make([]byte, 0, size))
		last++
	}
	offset := len(a.chunks[last])
	a.chunks[last] = append(a.chunks[last], text...)
	return textRef(last)<<28 | textRef(offset)<<8 | textRef(len(text))
}

// get returns the text; it is not to be changed.
func (a *arena) get(ref textRef) []byte {
	offset := int(ref >> 8 & (arenaChunkBytes - 1))
	return a.chunks[ref>>28][:offset+int(ref&0xff)][offset:]
}

// freeze returns a copy that later puts do not change: they write behind what it has,
// and a first chunk that grows leaves it the bytes that it grew from.
func (a *arena) freeze() arena {
	return arena{chunks: append([][]byte(nil), a.chunks...)}
}
