package sequencer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrBadPosition is returned when a text is not a position.
var ErrBadPosition = errors.New("not a position")

// Position is a place in a cluster's history, as exact as a state is: it moves with every
// batch, also when a hold ends and nothing is decided. Height is that of the journal's
// block, which counts batches from 1.
type Position struct {
	// Birth is the beginning of the id of the birth to which the batch belongs; 0 before
	// the first.
	Birth  uint64
	Height uint64
}

// Reaches reports whether a state at p shows everything that one at other does. Positions
// of different births do not compare: a part of the other history may be lost.
func (p Position) Reaches(other Position) bool {
	return p.Birth == other.Birth && p.Height >= other.Height
}

// String returns the position as the HTTP contract spells it: 16 hexadecimal digits, a
// hyphen and the height in decimal.
func (p Position) String() string { return fmt.Sprintf("%016x-%d", p.Birth, p.Height) }

// ParsePosition reads what String wrote, and nothing else: ErrBadPosition.
func ParsePosition(text string) (Position, error) {
	birth, height, _ := strings.Cut(text, "-")
	b, errBirth := strconv.ParseUint(birth, 16, 64)
	h, errHeight := strconv.ParseUint(height, 10, 64)
	p := Position{Birth: b, Height: h}
	if errBirth != nil || errHeight != nil || p.String() != text {
		return Position{}, fmt.Errorf("%w: %q", ErrBadPosition, text)
	}
	return p, nil
}

// AsOf says up to where something shows everything: by the last decision, and by the last
// batch.
type AsOf struct {
	Seq uint64
	Position
}

// Tag returns the beginning of a birth's id, by which positions name it.
func (b *Birth) Tag() uint64 { return binary.BigEndian.Uint64(b.Cluster[:]) }

// Position returns where the state is: as of its last batch.
func (s *State) Position() Position {
	p := Position{Height: s.height}
	if n := len(s.births); n > 0 {
		p.Birth = s.births[n-1].Tag()
	}
	return p
}

// AsOf returns the last decision and the place of the last batch.
func (s *State) AsOf() AsOf { return AsOf{Seq: s.seq, Position: s.Position()} }
